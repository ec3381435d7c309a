//! Sessions of browsers: a token in a cookie that scripts cannot read, one for each role, so that a teacher's computer can
//! be the projector's, too. A cookie counts only together with a header that names its role. Pages of other origins cannot
//! send that header without asking first (CORS), and nobody answers them: forged requests have no rights
//! (OWASP, Cross-Site Request Forgery Prevention, "Employing Custom Request Headers").

use crate::peer::Way;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use homeroom_schema::records::TokenRole;

/// Names the role whose cookie a request speaks with.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("homeroom-session");
/// The roles that a browser can have.
pub const ROLES: [TokenRole; 4] = [
    TokenRole::Admin,
    TokenRole::Mentor,
    TokenRole::Student,
    TokenRole::Projector,
];

fn name(role: TokenRole) -> String {
    format!("homeroom_{}", role.as_str())
}

/// The role of a session, by its name.
#[must_use]
pub fn role(text: &str) -> Option<TokenRole> {
    ROLES.into_iter().find(|role| role.as_str() == text)
}

/// The role that a request says it speaks in.
#[must_use]
pub fn role_named(headers: &HeaderMap) -> Option<TokenRole> {
    role(headers.get(SESSION_HEADER)?.to_str().ok()?)
}

/// The secret of the session that a request speaks with.
#[must_use]
pub fn secret(headers: &HeaderMap) -> Option<String> {
    secret_of(headers, role_named(headers)?)
}

/// The secret of a browser's session in this role.
#[must_use]
pub fn secret_of(headers: &HeaderMap, role: TokenRole) -> Option<String> {
    let name = name(role);
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let found = cookies.find(|cookie| cookie.name() == name);
    found.map(|cookie| cookie.value().to_owned())
}

/// The cookie that makes a browser hold this session for so many seconds.
#[must_use]
pub fn holding(role: TokenRole, secret: &str, life_s: i64, way: &Way) -> HeaderValue {
    let cookie = base(role, secret.to_owned(), way);
    header(&cookie.max_age(Duration::seconds(life_s)).build())
}

/// The cookie that makes a browser forget this session.
#[must_use]
pub fn forgetting(role: TokenRole, way: &Way) -> HeaderValue {
    let cookie = base(role, String::new(), way);
    header(&cookie.max_age(Duration::ZERO).build())
}

fn base(role: TokenRole, secret: String, way: &Way) -> cookie::CookieBuilder<'static> {
    Cookie::build((name(role), secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(way.is_secure == Some(true))
}

fn header(cookie: &Cookie<'static>) -> HeaderValue {
    HeaderValue::try_from(cookie.to_string()).expect("names and secrets are plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(session: Option<&str>, cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, cookie.parse().unwrap());
        }
        if let Some(session) = session {
            headers.insert(SESSION_HEADER, session.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_counts_only_with_the_header_of_its_role() {
        let both = "other=1; homeroom_student=s; homeroom_admin=a";
        for (session, cookies, expected) in [
            (Some("student"), &[both][..], Some("s")),
            (Some("admin"), &["other=1", both], Some("a")),
            (Some("mentor"), &[both], None),
            (Some("service"), &["homeroom_service=x"], None),
            (Some("Student"), &[both], None),
            (None, &[both], None),
            (Some("student"), &[], None),
            (Some("student"), &["homeroom_student"], None),
        ] {
            assert_eq!(
                secret(&request(session, cookies)).as_deref(),
                expected,
                "{session:?} {cookies:?}"
            );
        }
    }

    #[test]
    fn cookies_are_out_of_the_reach_of_scripts_and_of_other_sites() {
        let tls = Way {
            is_secure: Some(true),
            ..Way::default()
        };
        let set = holding(TokenRole::Student, "hr_x", 60, &tls);
        assert_eq!(
            set.to_str().unwrap(),
            "homeroom_student=hr_x; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60"
        );
        let gone = forgetting(TokenRole::Admin, &Way::default());
        assert_eq!(
            gone.to_str().unwrap(),
            "homeroom_admin=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
        );
    }
}
