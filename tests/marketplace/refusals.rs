//! Who may see what: scopes at the gateway, ownership in the services, passports between them.

use serde_json::{Value, json};

use super::support::{Client, marketplace};

#[tokio::test]
async fn a_field_without_the_scope_is_null_and_says_so() {
    let query = "{ product(sku: \"KIT-001\") { title stock { available onHand } } }";
    let answer = Client::role("CUSTOMER").await.send(query, json!({})).await;
    let stock = &answer["data"]["product"]["stock"];
    assert!(stock["available"].is_i64(), "{answer}");
    assert_eq!(stock["onHand"], Value::Null, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE", "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["product", "stock", "onHand"]), "{answer}");
    let answer = Client::role("MERCHANT").await.data(query, json!({})).await;
    assert!(answer["product"]["stock"]["onHand"].is_i64(), "{answer}");
}

#[tokio::test]
async fn strangers_do_not_read_private_data() {
    let customer = Client::role("CUSTOMER").await;
    let id = customer.data("{ me { id } }", json!({})).await["me"]["id"].clone();
    let query = "query ($id: ID!) { user(id: $id) { displayName account { email } paymentMethods { last4 } } }";
    let own = customer.data(query, json!({ "id": id })).await;
    assert!(own["user"]["account"]["email"].is_string(), "{own}");
    for (client, code) in
        [(Client::role("DRIVER").await, "FORBIDDEN"), (Client::anonymous(), "UNAUTHENTICATED")]
    {
        let answer = client.send(query, json!({ "id": id })).await;
        assert!(answer["data"]["user"]["displayName"].is_string(), "{answer}");
        assert_eq!(answer["data"]["user"]["account"], Value::Null, "{answer}");
        assert_eq!(answer["data"]["user"]["paymentMethods"], Value::Null, "{answer}");
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 2, "{answer}");
        assert!(errors.iter().all(|error| error["extensions"]["code"] == code), "{answer}");
    }
}

#[tokio::test]
async fn a_service_answers_nobody_but_the_gateway() {
    let body = json!({ "query": "{ _service { sdl } }" });
    for base in [&marketplace().users, &marketplace().payments] {
        let response = reqwest::Client::new()
            .post(format!("{base}/graphql"))
            .header("x-user-id", "usr_1")
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 401);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
    }
}

#[tokio::test]
async fn f41_identity_headers_of_a_client_mean_nothing() {
    let response = reqwest::Client::new()
        .post(format!("{}/graphql", marketplace().gateway))
        .header("x-user-id", "usr_1")
        .header("x-concord-passport", "forged")
        .json(&json!({ "query": "{ me { id } }" }))
        .send()
        .await
        .unwrap();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer, json!({ "data": { "me": null } }));
}
