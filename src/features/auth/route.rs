//! The rows of the route table, and who may reach them.

use actix_web::http::Method;

use crate::kit::session::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Other programs, with a credential that the handler checks: a signature or an API key.
    Credential,
    /// Monitoring, with the token from the settings. Anyone else gets a 404.
    Monitoring,
    /// Anyone who is signed in.
    SignedIn,
    /// Members of the chosen merchant, with at least this role.
    Member(Role),
    /// The affiliate of the chosen workspace.
    Affiliate,
    Support,
}

/// A row of the route table.
#[derive(Debug)]
pub struct Route {
    /// GET (HEAD included) or POST.
    pub method: &'static str,
    /// With `{parameters}`.
    pub path: &'static str,
    pub access: Access,
}

#[derive(Clone, Copy, Debug)]
pub struct RouteTable(pub &'static [Route]);

impl RouteTable {
    /// The row for a request, by method and matched pattern.
    pub(crate) fn find(self, method: &Method, pattern: &str) -> Option<&'static Route> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.iter().find(|route| route.path == pattern && route.method == method.as_str())
    }

    /// The page that has the form of a pattern: the closest one above that GET reaches. A browser asks
    /// for the form's own URL if someone reloads the page of a rejected form. `path` is the
    /// request's.
    pub fn page_of_form<'a>(self, pattern: &str, path: &'a str) -> Option<&'a str> {
        let (mut pattern, mut path) = (pattern, path);
        loop {
            pattern = pattern.rsplit_once('/').map(|(above, _)| above)?;
            path = path.rsplit_once('/').map(|(above, _)| above)?;
            if self.find(&Method::GET, pattern).is_some() {
                return Some(path);
            }
        }
    }

    /// The methods that a pattern's routes accept, in the format of `Allow`.
    pub fn methods(self, pattern: &str) -> String {
        let routes = self.0.iter().filter(|route| route.path == pattern);
        let methods =
            routes.map(|route| if route.method == "GET" { "GET, HEAD" } else { route.method });
        methods.collect::<Vec<_>>().join(", ")
    }
}
