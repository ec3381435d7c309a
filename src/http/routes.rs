//! The table of routes: what is served is what is listed, and what the OpenAPI document is checked against.

use crate::app::App;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};

/// Routes with their list.
#[derive(Default)]
pub(super) struct Routes {
    /// As served.
    pub(super) router: Router<App>,
    /// Method (lower case) and path template of each.
    pub(super) listed: Vec<(&'static str, &'static str)>,
}

macro_rules! methods {
    ($($name:ident $filter:ident;)*) => {$(
        #[doc = concat!("Adds a `", stringify!($filter), "` route.")]
        pub(super) fn $name<H, T>(mut self, path: &'static str, handler: H) -> Self
        where
            H: Handler<T, App>,
            T: 'static,
        {
            self.listed.push((stringify!($name), path));
            self.router = self.router.route(path, on(MethodFilter::$filter, handler));
            self
        }
    )*};
}

impl Routes {
    methods! {
        get GET;
        post POST;
        put PUT;
        patch PATCH;
        delete DELETE;
    }
}
