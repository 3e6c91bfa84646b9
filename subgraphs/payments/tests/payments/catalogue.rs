//! Products, lists of them and their stock.

use kit::Caller;
use serde_json::{Value, json};

use crate::support::{Shop, codes, key, top_code};

const SAVE: &str = "mutation($input: ProductSaveInput!) { productSave(input: $input) {
    product { id sku title version active price { decimal currency } } errors { __typename ... on UserError { code path } } } }";

async fn save(shop: &Shop, caller: &Caller, input: Value) -> Value {
    shop.data(caller, SAVE, json!({ "input": input })).await["productSave"].clone()
}

fn lamp(sku: &str) -> Value {
    json!({ "sku": sku, "title": "Lamp", "price": { "amountMinor": "1999", "currency": "EUR" } })
}

#[tokio::test]
async fn a_product_is_found_by_id_and_by_sku() {
    let shop = Shop::open().await;
    let saved = save(&shop, &shop.merchant, lamp("LAMP-1")).await;
    let id = &saved["product"]["id"];
    let data = shop
        .data(
            &Caller::Anonymous,
            "query($id: ID!) { a: product(id: $id) { sku seller { id } viewerHasPurchased stock { available inStock onHand: updatedAt } }
                b: product(sku: \"LAMP-1\") { id price { decimal } } c: product(sku: \"NO\") { id }
                d: product(id: \"ord_00000000000000000000000000\") { id } }",
            json!({ "id": id }),
        )
        .await;
    assert_eq!(data["a"]["sku"], "LAMP-1");
    assert_eq!(data["a"]["viewerHasPurchased"], Value::Null);
    assert_eq!(data["a"]["stock"]["inStock"], false);
    assert_eq!(data["b"], json!({ "id": id, "price": { "decimal": "19.99" } }));
    assert_eq!((&data["c"], &data["d"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn saving_checks_versions_owners_and_skus() {
    let shop = Shop::open().await;
    let saved = save(&shop, &shop.merchant, lamp("A")).await;
    let id = saved["product"]["id"].clone();
    let mut input = lamp("A");
    input["id"] = id.clone();
    input["expectedVersion"] = json!(1);
    input["title"] = json!("Better lamp");
    let changed = save(&shop, &shop.merchant, input.clone()).await;
    assert_eq!(changed["product"]["version"], 2);
    assert_eq!(codes(&save(&shop, &shop.merchant, input.clone()).await), ["CONFLICT"]);
    assert_eq!(codes(&save(&shop, &shop.merchant, lamp("A")).await), ["DUPLICATE_SKU"]);

    let stranger = crate::support::with_roles(
        crate::support::person(&shop.clock),
        &["inventory:write"],
        &["MERCHANT"],
    );
    input["expectedVersion"] = Value::Null;
    assert_eq!(codes(&save(&shop, &stranger, input).await), ["NOT_FOUND"]);

    let refused = shop.ask(&shop.customer(), SAVE, json!({ "input": lamp("B") })).await;
    assert_eq!(top_code(&refused), "FORBIDDEN");
    let kinds: Vec<String> = shop.events().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["product.created", "product.updated"]);
}

#[tokio::test]
async fn bad_products_are_refused_with_the_field() {
    let shop = Shop::open().await;
    for (field, value) in [
        ("sku", json!("")),
        ("sku", json!("spaces are bad")),
        ("title", json!("  ")),
        ("imageUrl", json!("javascript:alert(1)")),
        ("price", json!({ "amountMinor": "-1", "currency": "EUR" })),
    ] {
        let mut input = lamp("X");
        input[field] = value;
        let payload = save(&shop, &shop.merchant, input).await;
        assert_eq!(payload["errors"][0]["path"][1], field, "{payload}");
    }
    let mut input = lamp("X");
    input["price"]["currency"] = json!("XXY");
    assert_eq!(codes(&save(&shop, &shop.merchant, input).await), ["UNKNOWN_CURRENCY"]);
    assert_eq!(shop.count("products").await, 0);
}

#[tokio::test]
async fn stock_never_falls_below_what_is_promised() {
    let shop = Shop::open().await;
    let product = shop.product(1000, 3).await;
    let customer = shop.customer();
    shop.order(&customer, &[(&product, 2)]).await;
    let take = |delta: i64| json!({ "input": { "productId": product, "delta": delta, "reason": "CORRECTION", "idempotencyKey": key() } });
    let query = "mutation($input: StockAdjustInput!) { stockAdjust(input: $input) { errors { ... on UserError { code } ... on InsufficientStockError { available } } } }";
    let refused = shop.data(&shop.merchant, query, take(-2)).await;
    assert_eq!(
        refused["stockAdjust"]["errors"][0],
        json!({ "code": "INSUFFICIENT_STOCK", "available": 1 })
    );
    let taken = shop.data(&shop.merchant, query, take(-1)).await;
    assert_eq!(taken["stockAdjust"]["errors"], json!([]));
    assert_eq!(shop.stock(&product).await, (0, 2, 2));
    shop.assert_books().await;
}

#[tokio::test]
async fn lists_search_sort_and_page_without_doubles() {
    let shop = Shop::open().await;
    for n in 0..7 {
        let mut input = lamp(&format!("L-{n}"));
        input["title"] = json!(format!("Lamp {n}"));
        input["price"]["amountMinor"] = json!((1000 + (n % 3) * 100).to_string());
        save(&shop, &shop.merchant, input).await;
    }
    let mut other = lamp("OTHER");
    other["title"] = json!("100%_cotton \u{c4}rmel");
    save(&shop, &shop.merchant, other).await;

    let query = "query($after: String, $sort: ProductSort, $search: String) {
        products(first: 3, after: $after, sort: $sort, search: $search) {
            totalCount edges { node { sku price { amountMinor } } } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    for sort in ["NEWEST", "PRICE_ASC", "PRICE_DESC", "TITLE"] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let data = shop
                .data(
                    &Caller::Anonymous,
                    query,
                    json!({ "after": after, "sort": sort, "search": "lamp" }),
                )
                .await;
            let page = &data["products"];
            assert_eq!(page["totalCount"], 7);
            seen.extend(page["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        let mut skus: Vec<_> = seen.iter().map(|node| node["sku"].as_str().unwrap()).collect();
        let prices: Vec<i64> = seen
            .iter()
            .map(|node| node["price"]["amountMinor"].as_str().unwrap().parse().unwrap())
            .collect();
        match sort {
            "PRICE_ASC" => assert!(prices.is_sorted()),
            "PRICE_DESC" => assert!(prices.is_sorted_by(|a, b| a >= b)),
            "TITLE" => assert!(skus.is_sorted()),
            _ => {}
        }
        skus.sort_unstable();
        skus.dedup();
        assert_eq!(skus.len(), 7, "{sort}");
    }
    for (search, found) in
        [("100%_c", 1), ("%", 1), ("\u{e4}RMEL", 1), ("lamp l-3", 1), ("nothing", 0)]
    {
        let data = shop.data(&Caller::Anonymous, query, json!({ "search": search })).await;
        assert_eq!(data["products"]["totalCount"], found, "{search}");
    }
    let answer = shop.ask(&Caller::Anonymous, query, json!({ "after": "AAAA" })).await;
    assert_eq!(top_code(&answer), "INVALID_CURSOR");
    assert_eq!(answer["data"]["products"], Value::Null);
}

#[tokio::test]
async fn f44_inserting_while_paging_repeats_and_loses_nothing() {
    let shop = Shop::open().await;
    let priced = |sku: String, price: i64| {
        let mut input = lamp(&sku);
        input["title"] = json!(format!("Lamp {sku}"));
        input["price"]["amountMinor"] = json!(price.to_string());
        input
    };
    let old: Vec<String> = (0..9).map(|n| format!("OLD-{n}")).collect();
    for (sku, price) in old.iter().zip([5, 1, 9, 3, 3, 7, 2, 8, 6]) {
        save(&shop, &shop.merchant, priced(sku.clone(), price)).await;
    }
    let query = "query($after: String, $sort: ProductSort) { products(first: 2, after: $after, sort: $sort) {
        edges { node { sku } } pageInfo { hasNextPage endCursor } } }";
    for sort in ["NEWEST", "PRICE_ASC", "PRICE_DESC", "TITLE"] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        for page in 0.. {
            let variables = json!({ "after": after, "sort": sort });
            let data = shop.data(&Caller::Anonymous, query, variables).await;
            let edges = data["products"]["edges"].as_array().unwrap().clone();
            seen.extend(edges.iter().map(|edge| edge["node"]["sku"].as_str().unwrap().to_owned()));
            let info = &data["products"]["pageInfo"];
            // As long as there is old history to see, something new comes before and after it.
            if page < 4 {
                for price in [0, 4, 10] {
                    let sku = format!("NEW-{sort}-{page}-{price}");
                    save(&shop, &shop.merchant, priced(sku, price)).await;
                }
            }
            if info["hasNextPage"] == false {
                break;
            }
            after = info["endCursor"].clone();
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "{sort}: nothing twice");
        for sku in &old {
            assert!(seen.contains(sku), "{sort}: {sku} was lost");
        }
    }
    let first = shop.data(&Caller::Anonymous, query, json!({})).await;
    let cursor = first["products"]["pageInfo"]["endCursor"].as_str().unwrap();
    let last = if cursor.ends_with('A') { "B" } else { "A" };
    let tampered = format!("{}{last}", &cursor[..cursor.len() - 1]);
    for bad in [tampered.as_str(), "", "AAAA", "\u{e4}"] {
        let answer = shop.ask(&Caller::Anonymous, query, json!({ "after": bad })).await;
        assert_eq!(top_code(&answer), "INVALID_CURSOR", "{bad}");
        assert_eq!(answer["data"]["products"], Value::Null);
    }
}
