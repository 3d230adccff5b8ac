//! Which server is called, and with which of the environment's tokens.

use octoseal::{Client, ClientBuilder, Error};

use crate::callers::variables;

#[test]
fn a_runners_token_goes_to_no_other_server_than_the_runners() {
    for (url, host) in [
        ("ghe.example/api/v3", "github.com"),
        ("ghe.example:8443/api/v3", "github.com"),
        ("https://", "github.com"),
        ("https://ghe example/api/v3", "github.com"),
        ("//ghe.example/api/v3", "acme.ghe.com"),
        ("ghe.example/api/v3", "ghe.example"),
        ("https://api.acme.ghe.com", "github.com"),
        ("https://api.acme.ghe.com", "other.ghe.com"),
        ("https://api.github.com", "acme.ghe.com"),
        ("https://api.github.com", "ghe.example"),
    ] {
        let set = [("GITHUB_API_URL", url), ("GITHUB_TOKEN", "a")];
        let builder = ClientBuilder::from_vars(variables(&set));
        let error = builder.host(host).build().unwrap_err();
        assert!(error.is_config(), "{url} {host}: {error}");
        assert!(error.to_string().contains("no token"), "{error}");
    }
    for (url, host) in [
        ("https://api.github.com", "github.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
        ("https://ghe.example/api/v3", "GHE.example"),
        ("", "github.com"),
        ("", "acme.ghe.com"),
    ] {
        let set = [("GITHUB_API_URL", url), ("GITHUB_TOKEN", "a")];
        let builder = ClientBuilder::from_vars(variables(&set));
        builder.host(host).build().unwrap();
    }
}

fn at(url: &str) -> Result<Client, Error> {
    Client::builder().token("t").base_url(url).build()
}

#[test]
fn a_dot_at_the_end_of_a_host_makes_it_no_other_server() {
    for url in [
        "https://github.com.",
        "https://GitHub.com./",
        "https://www.github.com.",
    ] {
        let error = at(url).unwrap_err();
        assert!(error.to_string().contains("website"), "{error}");
    }
    for (url, called) in [
        ("https://api.github.com.", "https://api.github.com/"),
        ("https://API.GITHUB.COM.:443/", "https://api.github.com/"),
        ("https://ghe.example./api/v3", "https://ghe.example/api/v3"),
        ("http://localhost.:80/", "http://localhost/"),
        ("http://127.0.0.1.:81/", "http://127.0.0.1:81/"),
    ] {
        let shown = format!("{:?}", at(url).unwrap());
        assert_eq!(shown.split('"').nth(1), Some(called), "{url}");
    }
    for url in ["https://.", "https://...", "https://ghe..example"] {
        if let Ok(client) = at(url) {
            assert!(!format!("{client:?}").contains("./"), "{client:?}");
        }
    }
}
