//! From a subgraph request to its answer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data::{GROUPS, PRODUCTS, Product, Review, USERS, User};
use crate::document::{Argument, Document, DocumentError, Selection, parse};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("the request is not JSON: {source}")]
    Json { source: serde_json::Error },
    #[error("the request has no query")]
    NoQuery,
    #[error(transparent)]
    Document { source: DocumentError },
    #[error("{service} has no field {parent}.{field}")]
    NoField { service: &'static str, parent: &'static str, field: String },
}

/// Writes the answer to a request whose query was parsed before or is parsed now.
pub(crate) fn answer(
    service: &'static str,
    body: &[u8],
    documents: &mut Documents,
) -> Result<Vec<u8>, ResolveError> {
    let request: Request<'_> =
        serde_json::from_slice(body).map_err(|source| ResolveError::Json { source })?;
    let query = request.query.ok_or(ResolveError::NoQuery)?;
    let document = documents.parsed(&query)?;
    let variables = request.variables.unwrap_or_default();
    let resolver = Resolver { service, document: &document, variables: &variables };
    let mut answer = b"{\"data\":".to_vec();
    resolver.object(Object::Query, &document.selections, &mut answer)?;
    answer.push(b'}');
    Ok(answer)
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    query: Option<Cow<'a, str>>,
    variables: Option<Map<String, Value>>,
}

/// Queries that were asked before.
#[derive(Default)]
pub(crate) struct Documents(HashMap<String, Rc<Document>>);

/// Cold scenarios never ask twice.
const REMEMBERED_DOCUMENTS: usize = 1_000;

impl Documents {
    fn parsed(&mut self, query: &str) -> Result<Rc<Document>, ResolveError> {
        if let Some(document) = self.0.get(query) {
            return Ok(Rc::clone(document));
        }
        let document = parse(query).map_err(|source| ResolveError::Document { source })?;
        let document = Rc::new(document);
        if self.0.len() < REMEMBERED_DOCUMENTS {
            self.0.insert(query.to_owned(), Rc::clone(&document));
        }
        Ok(document)
    }
}

struct Resolver<'a> {
    service: &'static str,
    document: &'a Document,
    variables: &'a Map<String, Value>,
}

#[derive(Clone, Copy, Debug)]
enum Object {
    Query,
    User(User),
    /// With what the representation said about price and weight.
    Product(Product, Option<(u64, u64)>),
    Review(Review),
}

impl Object {
    fn type_name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::User(_) => "User",
            Self::Product(..) => "Product",
            Self::Review(_) => "Review",
        }
    }

    fn of(representation: &Value) -> Option<Self> {
        let text = |key: &str| representation[key].as_str();
        match text("__typename")? {
            "User" => User::find(text("id")?).map(Self::User),
            "Review" => Review::find(text("id")?).map(Self::Review),
            "Product" => {
                let required =
                    representation["price"].as_u64().zip(representation["weight"].as_u64());
                Product::find(text("upc")?).map(|product| Self::Product(product, required))
            }
            _ => None,
        }
    }
}

impl Resolver<'_> {
    fn object(
        &self,
        object: Object,
        selections: &[Selection],
        out: &mut Vec<u8>,
    ) -> Result<(), ResolveError> {
        let start = out.len();
        out.push(b'{');
        self.fields(object, selections, &mut Vec::new(), out)?;
        if out.len() > start + 1 {
            out.pop();
        }
        out.push(b'}');
        Ok(())
    }

    /// Writes each field that is not among the written ones, and a comma after it.
    fn fields<'s>(
        &'s self,
        object: Object,
        selections: &'s [Selection],
        written: &mut Vec<&'s str>,
        out: &mut Vec<u8>,
    ) -> Result<(), ResolveError> {
        for selection in selections {
            match selection {
                Selection::Field { key, .. } if written.contains(&key.as_str()) => {}
                Selection::Field { key, name, arguments, below } => {
                    written.push(key);
                    write(key, out);
                    out.push(b':');
                    self.field(object, name, arguments, below, out)?;
                    out.push(b',');
                }
                Selection::Inline { on, below } => {
                    if on.as_deref().is_none_or(|on| on == object.type_name()) {
                        self.fields(object, below, written, out)?;
                    }
                }
                Selection::Spread(name) => {
                    if let Some((on, below)) = self.document.fragments.get(name)
                        && on == object.type_name()
                    {
                        self.fields(object, below, written, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(
        &self,
        object: Object,
        field: &str,
        arguments: &[(String, Argument)],
        below: &[Selection],
        out: &mut Vec<u8>,
    ) -> Result<(), ResolveError> {
        match (self.service, object, field) {
            (_, object, "__typename") => write(object.type_name(), out),
            (_, Object::Query, "_entities") => {
                let representations = self.argument(arguments, "representations");
                let representations = representations.as_array().map_or(&[][..], Vec::as_slice);
                self.list(representations.iter().map(Object::of), below, out)?;
            }
            ("accounts", Object::Query, "users") => {
                let users = self.users(arguments).into_iter();
                self.list(users.map(|user| Some(Object::User(user))), below, out)?;
            }
            ("accounts", Object::Query, "user" | "me") => {
                let id = self.argument(arguments, "id");
                match User::find(id.as_str().unwrap_or("1")) {
                    Some(user) => self.object(Object::User(user), below, out)?,
                    None => write(&(), out),
                }
            }
            ("products", Object::Query, "topProducts") => {
                let products = self.products(arguments).into_iter();
                let products = products.map(|product| Some(Object::Product(product, None)));
                self.list(products, below, out)?;
            }
            ("accounts" | "reviews", Object::User(user), "id") => write(&id(user.0), out),
            ("accounts" | "reviews", Object::User(user), "username") => {
                write(user.username(), out);
            }
            ("accounts", Object::User(user), "name") => write(user.name(), out),
            ("accounts", Object::User(user), "birthday") => write(&(1_000 + user.0), out),
            ("reviews", Object::User(user), "reviews") => {
                self.list(
                    user.reviews().into_iter().map(|review| Some(Object::Review(review))),
                    below,
                    out,
                )?;
            }
            ("inventory" | "products" | "reviews", Object::Product(product, _), "upc") => {
                write(&id(product.0), out);
            }
            ("products", Object::Product(product, _), "name") => write(product.name(), out),
            ("products", Object::Product(product, _), "price") => write(&product.price(), out),
            ("products", Object::Product(product, _), "weight") => write(&product.weight(), out),
            ("inventory", Object::Product(product, _), "inStock") => {
                write(&product.in_stock(), out);
            }
            ("inventory", Object::Product(_, required), "shippingEstimate") => {
                let costs = |(price, weight)| if price > 1_000 { 0 } else { weight / 2 };
                write(&required.map(costs), out);
            }
            ("reviews", Object::Product(product, _), "reviews") => {
                self.list(
                    product.reviews().into_iter().map(|review| Some(Object::Review(review))),
                    below,
                    out,
                )?;
            }
            ("reviews", Object::Review(review), "id") => write(&id(review.0), out),
            ("reviews", Object::Review(review), "body") => write(review.body(), out),
            ("reviews", Object::Review(review), "product") => {
                self.object(Object::Product(review.product(), None), below, out)?;
            }
            ("reviews", Object::Review(review), "author") => {
                self.object(Object::User(review.author()), below, out)?;
            }
            (service, object, field) => {
                let parent = object.type_name();
                return Err(ResolveError::NoField { service, parent, field: field.to_owned() });
            }
        }
        Ok(())
    }

    /// Nothing stands for an entity that is unknown.
    fn list(
        &self,
        objects: impl Iterator<Item = Option<Object>>,
        below: &[Selection],
        out: &mut Vec<u8>,
    ) -> Result<(), ResolveError> {
        out.push(b'[');
        for (at, object) in objects.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match object {
                Some(object) => self.object(object, below, out)?,
                None => write(&(), out),
            }
        }
        out.push(b']');
        Ok(())
    }

    fn users(&self, arguments: &[(String, Argument)]) -> Vec<User> {
        match self.argument(arguments, "ids").as_array() {
            Some(ids) => ids.iter().filter_map(|id| User::find(id.as_str()?)).collect(),
            None => (0..USERS).map(User).collect(),
        }
    }

    fn products(&self, arguments: &[(String, Argument)]) -> Vec<Product> {
        if let Some(upcs) = self.argument(arguments, "upcs").as_array() {
            return upcs.iter().filter_map(|upc| Product::find(upc.as_str()?)).collect();
        }
        let first = self.argument(arguments, "first").as_u64();
        let first = first.and_then(|first| usize::try_from(first).ok()).unwrap_or(PRODUCTS);
        (0..first.min(GROUPS * PRODUCTS)).map(Product).collect()
    }

    fn argument<'s>(&'s self, arguments: &'s [(String, Argument)], name: &str) -> &'s Value {
        match arguments.iter().find(|(argument, _)| argument == name) {
            Some((_, Argument::Variable(variable))) => {
                self.variables.get(variable).unwrap_or(&Value::Null)
            }
            Some((_, Argument::Constant(value))) => value,
            None => &Value::Null,
        }
    }
}

fn id(number: usize) -> String {
    (number + 1).to_string()
}

fn write(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("JSON can always be written into memory");
}
