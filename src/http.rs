//! The HTTP routes: each reads a request, asks `permissions`, and hands it to the engine. No rules of learning here.

mod analytics;
mod announcements;
mod answer;
mod asyncapi;
mod audit;
mod backups;
mod body;
mod call;
mod catalogue;
mod classroom;
mod cursor;
mod docs;
mod events;
mod export;
mod front;
mod health;
mod import;
mod layers;
mod leaderboards;
mod learners;
mod openapi;
mod page;
mod pages;
mod pins;
mod points;
mod roster;
mod routes;
mod rules;
mod sdk;
mod sessions;
mod teams;
mod tokens;
mod users;
mod visit;
mod waiting;

use crate::app::App;
use crate::problem::Problem;
use axum::Router;
use routes::Routes;

pub use asyncapi::document as asyncapi_document;
pub use openapi::document as openapi_document;
pub(crate) use waiting::router as waiting_router;

/// All routes of a node.
pub fn router(app: App) -> Router {
    let router = routes().router;
    let router = router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() });
    layers::around(router, &app).with_state(app)
}

/// The table of routes, as it is served.
fn routes() -> Routes {
    let routes = Routes::default();
    let routes = health::routes(routes);
    let routes = docs::routes(routes);
    let routes = sdk::routes(routes);
    let routes = pages::routes(routes);
    let routes = classroom::routes(routes);
    let routes = sessions::routes(routes);
    let routes = tokens::routes(routes);
    let routes = audit::routes(routes);
    let routes = users::routes(routes);
    let routes = pins::routes(routes);
    let routes = export::routes(routes);
    let routes = catalogue::routes(routes);
    let routes = teams::routes(routes);
    let routes = announcements::routes(routes);
    let routes = import::routes(routes);
    let routes = backups::routes(routes);
    let routes = points::routes(routes);
    let routes = events::routes(routes);
    let routes = learners::routes(routes);
    let routes = leaderboards::routes(routes);
    let routes = rules::routes(routes);
    analytics::routes(routes)
}
