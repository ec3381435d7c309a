//! What a node that is there for devices (`--lan`) tells in its terminal once it is ready: one link for the teacher, as text
//! and as a QR code.

use crate::app::App;
use homeroom_schema::limits::SIGN_IN_LIFE;
use homeroom_schema::records::TokenRole;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// Tells the link, if there is an address to tell.
pub(crate) fn tell(app: &App) {
    let Some(url) = app.config().reached_at.first() else {
        return;
    };
    match app
        .sign_ins()
        .issue(TokenRole::Admin, None, SIGN_IN_LIFE, app.clock().now())
    {
        Ok((key, _)) => print!("{}", text(url, &key, app.classroom().get().is_set_up())),
        Err(problem) => tracing::warn!(code = problem.code, "there is no sign-in link"),
    }
}

/// The link opens the set-up as long as there is no class.
fn text(url: &str, key: &str, is_set_up: bool) -> String {
    let (page, what) = match is_set_up {
        true => (
            "admin",
            "Open this link to teach (it is good once; students need the one on that page):",
        ),
        false => ("setup", "Open this link to set your class up (it is good once):"),
    };
    let link = format!("{url}/{page}#key={key}");
    let code = QrCode::new(&link).map(|code| code.render::<Dense1x2>().build());
    let code = code.unwrap_or_default();
    format!("\n{what}\n\n  {link}\n\n{code}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_told_as_text_and_as_a_code() {
        let told = text("http://192.168.1.20:8080", "hk_x", false);
        assert!(told.contains("  http://192.168.1.20:8080/setup#key=hk_x\n"), "{told}");
        assert!(told.lines().filter(|line| line.contains('█')).count() > 10, "{told}");
        assert!(text("http://node", "hk_x", true).contains("/admin#key="));
    }
}
