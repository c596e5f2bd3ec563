//! The rows of the table of routes: who may reach what.

use actix_web::http::Method;

use crate::kit::session::Role;

/// Who may reach a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Programs, by a credential that the handler checks: a signature or an API key.
    Credential,
    /// Whatever watches the installation, by the token of its settings; for everybody else there is
    /// nothing.
    Monitoring,
    /// Whoever is signed in.
    SignedIn,
    /// Members of the merchant they chose, from this role up.
    Member(Role),
    /// The affiliate at the place they chose.
    Affiliate,
    /// Support staff.
    Support,
}

/// One row of the table of routes.
#[derive(Debug)]
pub struct Route {
    /// GET (HEAD included) or POST.
    pub method: &'static str,
    /// With `{parameters}`.
    pub path: &'static str,
    /// Who may reach it.
    pub access: Access,
}

/// Every route of the application.
#[derive(Clone, Copy, Debug)]
pub struct RouteTable(pub &'static [Route]);

impl RouteTable {
    /// The row for a request, by method and matched pattern.
    pub fn find(self, method: &Method, pattern: &str) -> Option<&'static Route> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.iter().find(|route| route.path == pattern && route.method == method.as_str())
    }

    /// The methods that the routes of a pattern take, as `Allow` lists them.
    pub fn methods(self, pattern: &str) -> String {
        let routes = self.0.iter().filter(|route| route.path == pattern);
        let methods =
            routes.map(|route| if route.method == "GET" { "GET, HEAD" } else { route.method });
        methods.collect::<Vec<_>>().join(", ")
    }
}
