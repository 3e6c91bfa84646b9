//! From a subgraph request to its answer.

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

pub(crate) fn answer(service: &'static str, body: &[u8]) -> Result<String, ResolveError> {
    let request: Value =
        serde_json::from_slice(body).map_err(|source| ResolveError::Json { source })?;
    let query = request["query"].as_str().ok_or(ResolveError::NoQuery)?;
    let document = parse(query).map_err(|source| ResolveError::Document { source })?;
    let nothing = Map::new();
    let variables = request["variables"].as_object().unwrap_or(&nothing);
    let resolver = Resolver { service, document: &document, variables };
    let data = resolver.object(&Object::Query, &document.selections)?;
    let mut answer = Map::new();
    answer.insert("data".to_owned(), data);
    Ok(Value::Object(answer).to_string())
}

struct Resolver<'a> {
    service: &'static str,
    document: &'a Document,
    variables: &'a Map<String, Value>,
}

#[derive(Clone, Debug)]
enum Object {
    Query,
    User(User),
    /// With what the representation said about price and weight.
    Product(Product, Option<(u64, u64)>),
    Review(Review),
}

impl Object {
    fn type_name(&self) -> &'static str {
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
    fn object(&self, object: &Object, selections: &[Selection]) -> Result<Value, ResolveError> {
        let mut fields = Map::new();
        self.collect(object, selections, &mut fields)?;
        Ok(Value::Object(fields))
    }

    fn collect(
        &self,
        object: &Object,
        selections: &[Selection],
        fields: &mut Map<String, Value>,
    ) -> Result<(), ResolveError> {
        for selection in selections {
            match selection {
                Selection::Field { key, name, arguments, below } => {
                    let value = self.field(object, name, arguments, below)?;
                    fields.insert(key.clone(), value);
                }
                Selection::Inline { on, below } => {
                    if on.as_deref().is_none_or(|on| on == object.type_name()) {
                        self.collect(object, below, fields)?;
                    }
                }
                Selection::Spread(name) => {
                    if let Some((on, below)) = self.document.fragments.get(name)
                        && on == object.type_name()
                    {
                        self.collect(object, below, fields)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(
        &self,
        object: &Object,
        field: &str,
        arguments: &[(String, Argument)],
        below: &[Selection],
    ) -> Result<Value, ResolveError> {
        let list = |objects: Vec<Object>| -> Result<Value, ResolveError> {
            let objects = objects.iter().map(|object| self.object(object, below));
            Ok(Value::Array(objects.collect::<Result<_, _>>()?))
        };
        let reviews =
            |reviews: Vec<Review>| list(reviews.into_iter().map(Object::Review).collect());
        let value = match (self.service, object, field) {
            (_, object, "__typename") => object.type_name().into(),
            (_, Object::Query, "_entities") => {
                let representations = self.argument(arguments, "representations");
                let representations = representations.as_array().cloned().unwrap_or_default();
                let entity = |representation: &Value| match Object::of(representation) {
                    Some(entity) => self.object(&entity, below),
                    None => Ok(Value::Null),
                };
                Value::Array(representations.iter().map(entity).collect::<Result<_, _>>()?)
            }
            ("accounts", Object::Query, "users") => {
                list(self.users(arguments).into_iter().map(Object::User).collect())?
            }
            ("accounts", Object::Query, "user" | "me") => {
                let id = self.argument(arguments, "id");
                let user = User::find(id.as_str().unwrap_or("1"));
                user.map_or(Ok(Value::Null), |user| self.object(&Object::User(user), below))?
            }
            ("products", Object::Query, "topProducts") => {
                let products = self.products(arguments).into_iter();
                list(products.map(|product| Object::Product(product, None)).collect())?
            }
            ("accounts" | "reviews", Object::User(user), "id") => id(user.0),
            ("accounts" | "reviews", Object::User(user), "username") => user.username().into(),
            ("accounts", Object::User(user), "name") => user.name().into(),
            ("accounts", Object::User(user), "birthday") => (1_000 + user.0).into(),
            ("reviews", Object::User(user), "reviews") => reviews(user.reviews())?,
            ("inventory" | "products" | "reviews", Object::Product(product, _), "upc") => {
                id(product.0)
            }
            ("products", Object::Product(product, _), "name") => product.name().into(),
            ("products", Object::Product(product, _), "price") => product.price().into(),
            ("products", Object::Product(product, _), "weight") => product.weight().into(),
            ("inventory", Object::Product(product, _), "inStock") => product.in_stock().into(),
            ("inventory", Object::Product(_, required), "shippingEstimate") => match required {
                Some((price, _)) if *price > 1_000 => 0.into(),
                Some((_, weight)) => (weight / 2).into(),
                None => Value::Null,
            },
            ("reviews", Object::Product(product, _), "reviews") => reviews(product.reviews())?,
            ("reviews", Object::Review(review), "id") => id(review.0),
            ("reviews", Object::Review(review), "body") => review.body().into(),
            ("reviews", Object::Review(review), "product") => {
                self.object(&Object::Product(review.product(), None), below)?
            }
            ("reviews", Object::Review(review), "author") => {
                self.object(&Object::User(review.author()), below)?
            }
            (service, object, field) => {
                let parent = object.type_name();
                return Err(ResolveError::NoField { service, parent, field: field.to_owned() });
            }
        };
        Ok(value)
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

    fn argument(&self, arguments: &[(String, Argument)], name: &str) -> Value {
        match arguments.iter().find(|(argument, _)| argument == name) {
            Some((_, Argument::Variable(variable))) => {
                self.variables.get(variable).cloned().unwrap_or(Value::Null)
            }
            Some((_, Argument::Constant(value))) => value.clone(),
            None => Value::Null,
        }
    }
}

fn id(number: usize) -> Value {
    (number + 1).to_string().into()
}
