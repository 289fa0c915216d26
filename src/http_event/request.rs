//! A request, out of an event in any of the four forms.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::object::{Object, is_plain, is_token, is_value, values, wrong};
use super::{Form, percent};
use crate::fault::Fault;
use crate::json;
use crate::json::{members, string};

#[cfg(test)]
mod tests;

/// An HTTP request, whoever passed it on.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub form: Form,
    pub method: String,
    /// The stage of an API, or the base path of a domain, as the beginning of the path; empty where there is none.
    pub script_name: String,
    /// The rest of the path, decoded. Bytes, since what was encoded may be no UTF-8.
    pub path: Vec<u8>,
    /// The whole path as it was sent.
    pub raw_path: String,
    /// As it was sent, where the form says it; put together again where it does not.
    pub query: String,
    /// Names in lower case, each once, values in their order; cookies are not among them.
    pub headers: Vec<(String, Vec<String>)>,
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
    pub source_ip: String,
    pub protocol: String,
    /// Who called, where AWS has checked that: how it was checked, and the name.
    pub caller: Option<(&'static str, String)>,
    domain: String,
}

impl Request {
    /// Reads the event. What is no HTTP request, or one that HTTP could not have carried, is `Runtime.UnmarshalError`.
    pub fn read(event: &[u8]) -> Result<Self, Fault> {
        let event = std::str::from_utf8(event).ok().filter(|text| json::is_value(text.as_bytes()));
        let event = event.ok_or_else(|| wrong("the event is not JSON"))?;
        let top = Object::of(event);
        let context = top.object("requestContext");
        let form = form_of(&top, &context).ok_or_else(|| {
            wrong(
                "the event is no HTTP request. Expected is an event of a function URL, of API Gateway (payload format 1.0 or 2.0) \
                 or of a load balancer: an object with requestContext, and httpMethod or version 2.0",
            )
        })?;
        let http = context.object("http");
        let identity = context.object("identity");
        let mut request = Self {
            form,
            method: String::new(),
            script_name: String::new(),
            path: Vec::new(),
            raw_path: String::new(),
            query: String::new(),
            headers: top.headers()?,
            cookies: Vec::new(),
            body: body(&top)?,
            source_ip: String::new(),
            protocol: String::new(),
            caller: caller(&context, &identity),
            domain: context.text("domainName")?.unwrap_or_default(),
        };
        let named = if form == Form::V2 { http.text("method")? } else { top.text("httpMethod")? };
        request.method = named.unwrap_or_default();
        if request.method.is_empty() || !request.method.bytes().all(is_token) {
            return Err(wrong(format!("the request has no method that HTTP knows: {:?}", request.method)));
        }
        let protocol = if form == Form::V2 { http.text("protocol")? } else { context.text("protocol")? };
        request.protocol = protocol.filter(|text| is_plain(text)).unwrap_or_else(|| "HTTP/1.1".to_owned());
        let address = match form {
            Form::V2 => http.text("sourceIp")?,
            Form::V1 => identity.text("sourceIp")?,
            // The load balancer appends the address that it saw; what stands before it, anybody may have sent.
            Form::LoadBalancer | Form::LoadBalancerMulti => request
                .header("x-forwarded-for")
                .and_then(|all| all.rsplit(',').next().map(|last| last.trim().to_owned())),
        };
        request.source_ip = address.filter(|text| is_plain(text)).unwrap_or_default();
        request.set_path(&top, &context)?;
        request.query = query(&top, form)?;
        request.set_cookies(&top)?;
        Ok(request)
    }

    /// A header's value, several joined as HTTP joins them.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, values)| values.join(", "))
    }

    /// The host that was asked, less its port.
    pub fn host(&self) -> String {
        let host = self.header("host").filter(|host| !host.is_empty()).unwrap_or_else(|| self.domain.clone());
        let end = host.rfind(':').filter(|&at| host[at + 1..].bytes().all(|byte| byte.is_ascii_digit()));
        host[..end.unwrap_or(host.len())].to_owned()
    }

    /// Whether the caller came by HTTPS: so it is, unless a load balancer says otherwise.
    pub fn is_https(&self) -> bool {
        self.header("x-forwarded-proto").is_none_or(|scheme| !scheme.eq_ignore_ascii_case("http"))
    }

    pub fn port(&self) -> String {
        let said = self
            .header("x-forwarded-port")
            .filter(|port| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()));
        said.unwrap_or_else(|| if self.is_https() { "443" } else { "80" }.to_owned())
    }

    /// Splits the path: where the API's stage is part of what was asked for, it is the script's name.
    fn set_path(&mut self, top: &Object, context: &Object) -> Result<(), Fault> {
        let path = match self.form {
            Form::V2 => top.text("rawPath")?,
            _ => top.text("path")?,
        };
        let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
        let (script, inside) = match self.form {
            Form::V2 => {
                let stage = context.text("stage")?.unwrap_or_default();
                let script = format!("/{stage}");
                let rest = path.strip_prefix(&script).filter(|rest| rest.is_empty() || rest.starts_with('/'));
                match rest {
                    Some(rest) if !stage.is_empty() => (script, rest.to_owned()),
                    _ => (String::new(), path),
                }
            }
            Form::V1 => {
                let whole = context.text("path")?.unwrap_or_default();
                (whole.strip_suffix(&path).unwrap_or_default().to_owned(), path)
            }
            Form::LoadBalancer | Form::LoadBalancerMulti => (String::new(), path),
        };
        percent::encode_uri(&mut self.raw_path, &script);
        percent::encode_uri(&mut self.raw_path, &inside);
        self.path = percent::decode(&inside);
        self.script_name = script;
        Ok(())
    }

    /// Payload format 2.0 has cookies apart. Where it does not, and in the other forms, they are headers.
    fn set_cookies(&mut self, top: &Object) -> Result<(), Fault> {
        let at = self.headers.iter().position(|(name, _)| name == "cookie");
        let sent = at.map(|at| self.headers.remove(at).1).unwrap_or_default();
        self.cookies = match top.get("cookies") {
            Some(list) if self.form == Form::V2 && list != "null" => values("cookies", list)?,
            _ => sent,
        };
        match self.cookies.iter().find(|cookie| !is_value(cookie)) {
            Some(_) => Err(wrong("a cookie of the request has a line end or a NUL in it, which HTTP cannot carry")),
            None => Ok(()),
        }
    }
}

fn form_of(top: &Object, context: &Object) -> Option<Form> {
    if context.get("elb").is_some() && top.get("httpMethod").is_some() {
        let multi = top.get("multiValueHeaders").is_some_and(|value| value != "null");
        return Some(if multi { Form::LoadBalancerMulti } else { Form::LoadBalancer });
    }
    if context.get("http").is_some() && top.get("rawPath").is_some() {
        return Some(Form::V2);
    }
    let is_rest = top.get("httpMethod").is_some() && top.get("path").is_some() && top.get("requestContext").is_some();
    is_rest.then_some(Form::V1)
}

/// AWS's own word for who calls: IAM, or a token that was verified.
fn caller(context: &Object, identity: &Object) -> Option<(&'static str, String)> {
    let authorizer = context.object("authorizer");
    let plain = |object: &Object, name: &str| object.text(name).ok().flatten().filter(|text| is_plain(text));
    let by_iam = plain(&authorizer.object("iam"), "userArn").or_else(|| plain(identity, "userArn"));
    if let Some(name) = by_iam {
        return Some(("AWS_IAM", name));
    }
    let claims = authorizer.object("jwt").object("claims");
    let by_token = plain(&claims, "sub").or_else(|| plain(&authorizer.object("claims"), "sub"));
    by_token.map(|name| ("Bearer", name))
}

fn query(top: &Object, form: Form) -> Result<String, Fault> {
    let mut query = String::new();
    if form == Form::V2 {
        let raw = top.text("rawQueryString")?.unwrap_or_default();
        percent::encode_uri(&mut query, &raw);
        return Ok(query);
    }
    let many = top.get("multiValueQueryStringParameters").filter(|value| *value != "null");
    let one = top.get("queryStringParameters").filter(|value| *value != "null");
    let name = if many.is_some() { "multiValueQueryStringParameters" } else { "queryStringParameters" };
    let Some(parameters) = many.or(one) else { return Ok(query) };
    let parameters = members(parameters).ok_or_else(|| wrong(format!("{name} is no object")))?;
    // A load balancer passes the query on as it was sent; an API decodes it.
    let push = |query: &mut String, text: &str| match form {
        Form::V1 => percent::encode_component(query, text),
        _ => percent::encode_uri(query, text),
    };
    for parameter in parameters {
        for value in values(name, parameter.value)? {
            if !query.is_empty() {
                query.push('&');
            }
            push(&mut query, &parameter.name);
            query.push('=');
            push(&mut query, &value);
        }
    }
    Ok(query)
}

fn body(top: &Object) -> Result<Vec<u8>, Fault> {
    let Some(body) = top.get("body").filter(|value| *value != "null") else { return Ok(Vec::new()) };
    let text = string(body).ok_or_else(|| wrong("body is no string"))?;
    match top.get("isBase64Encoded") {
        Some("true") => BASE64_STANDARD.decode(text.as_bytes()).map_err(|error| {
            wrong(format!("body is not the base64 that isBase64Encoded says ({error}); it may be cut off"))
        }),
        Some("false" | "null") | None => Ok(text.into_owned().into_bytes()),
        Some(_) => Err(wrong("isBase64Encoded is neither true nor false")),
    }
}
