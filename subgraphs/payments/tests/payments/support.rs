//! A shop with people in it, asked through GraphQL as given callers.

use std::time::Duration;

use kit::{Caller, Clock, Database, Service, Timestamp, UserCaller, id::UserId, testing};
use payments::{Config, app::App, card::CardNumber, connector::CardDetails};
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(crate) struct Shop {
    pub(crate) app: App,
    pub(crate) service: Service,
    pub(crate) clock: Clock,
    pub(crate) merchant: Caller,
}

pub(crate) const APPROVES: &str = "4242424242424242";
pub(crate) const NEEDS_3DS: &str = "4000002500003155";
pub(crate) const DECLINES_CHARGE: &str = "4000000000000341";

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let database = testing::database::<migrations::payments::Migrator>().await;
        Self::over(database, configure)
    }

    /// A second replica on the same database would be made by the same call.
    pub(crate) fn over(database: Database, configure: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::manual(Timestamp::parse("2026-11-23T12:00:00Z").unwrap());
        Self::with_clock(database, clock, configure)
    }

    pub(crate) fn with_clock(
        database: Database,
        clock: Clock,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::default();
        configure(&mut config);
        let app = App::new(config, database, clock.clone(), "http://payments.test");
        let service = payments::serve::service(&app);
        let merchant = with_roles(
            person(&clock),
            &[
                "payments:read",
                "payments:write",
                "inventory:read",
                "inventory:write",
                "payments:capture",
            ],
            &["MERCHANT"],
        );
        Self { app, service, clock, merchant }
    }

    pub(crate) fn customer(&self) -> Caller {
        with_roles(person(&self.clock), &["payments:read", "payments:write"], &["CUSTOMER"])
    }

    pub(crate) fn driver(&self) -> Caller {
        let scopes = ["payments:read", "payments:write", "rides:driver"];
        with_roles(person(&self.clock), &scopes, &["DRIVER"])
    }

    /// A ride of about 8 km whose price is held on a fresh card.
    pub(crate) async fn authorized_ride(
        &self,
        rider: &Caller,
        driver: &Caller,
        card: &str,
    ) -> String {
        let method = self.card(rider, card).await;
        let quote = self
            .data(
                rider,
                "{ rideQuote(input: { distanceMeters: 8000, durationSeconds: 900, currency: \"EUR\" }) { token } }",
                json!({}),
            )
            .await;
        let data = self
            .data(
                rider,
                "mutation($input: RideAuthorizeInput!) { rideAuthorize(input: $input) { ride { id status } errors { ... on UserError { code } } } }",
                json!({ "input": { "quoteToken": quote["rideQuote"]["token"], "driverId": id_of(driver).to_string(), "paymentMethodId": method, "idempotencyKey": key() } }),
            )
            .await;
        let ride = &data["rideAuthorize"]["ride"];
        assert_eq!(ride["status"], "AUTHORIZED", "{data}");
        ride["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn complete_ride(&self, ride: &str) {
        let data = self
            .data(
                &self.admin(),
                "mutation($input: RideCompleteInput!) { rideComplete(input: $input) { ride { status } errors { ... on UserError { code } } } }",
                json!({ "input": { "rideId": ride, "distanceMeters": 8000, "durationSeconds": 900, "idempotencyKey": key() } }),
            )
            .await;
        assert_eq!(data["rideComplete"]["ride"]["status"], "COMPLETED", "{data}");
    }

    pub(crate) async fn completed_ride(&self, rider: &Caller, driver: &Caller) -> String {
        let ride = self.authorized_ride(rider, driver, APPROVES).await;
        self.complete_ride(&ride).await;
        ride
    }

    /// The first payment of a ride.
    pub(crate) async fn ride_payment(&self, rider: &Caller, ride: &str) -> String {
        let query = "query($id: ID!) { ride(id: $id) { payments { id } } }";
        let data = self.data(rider, query, json!({ "id": ride })).await;
        data["ride"]["payments"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Has the sandbox's messages delivered and worked on, as the running service does.
    pub(crate) async fn messages(&self) {
        use payments::{connector::Connector, webhook::incoming};

        for event in self.app.sandbox.due_events().await.unwrap() {
            let name = self.app.sandbox.name();
            let accepted =
                incoming::accept(&self.app, name, Some(&event.signature), &event.body).await;
            accepted.unwrap();
            self.app.sandbox.note_delivery(event.id, true).await.unwrap();
        }
        incoming::work(&self.app).await.unwrap();
    }

    pub(crate) fn support(&self) -> Caller {
        with_roles(
            person(&self.clock),
            &["payments:read", "payments:write", "payments:refund"],
            &["SUPPORT"],
        )
    }

    pub(crate) fn admin(&self) -> Caller {
        let scopes = [
            "payments:read",
            "payments:write",
            "payments:refund",
            "payments:capture",
            "payments:admin",
            "payments:analytics",
            "rides:operate",
            "inventory:read",
            "inventory:write",
        ];
        with_roles(person(&self.clock), &scopes, &["ADMIN"])
    }

    pub(crate) async fn ask(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        testing::execute(&self.service, caller.clone(), query, variables).await
    }

    /// `data` of an answer that must have no errors.
    pub(crate) async fn data(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        let answer = self.ask(caller, query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }

    pub(crate) async fn product(&self, price_minor: i64, stock: i64) -> String {
        self.product_in("EUR", price_minor, stock).await
    }

    pub(crate) async fn product_in(&self, currency: &str, price_minor: i64, stock: i64) -> String {
        let sku = format!("SKU-{}", kit::id::new_id(self.clock.now()).simple());
        let saved = self
            .data(
                &self.merchant,
                "mutation($input: ProductSaveInput!) { productSave(input: $input) { product { id } errors { ... on UserError { code } } } }",
                json!({ "input": { "sku": sku, "title": "A lamp", "price": { "amountMinor": price_minor.to_string(), "currency": currency } } }),
            )
            .await;
        let id = saved["productSave"]["product"]["id"].as_str().unwrap().to_owned();
        if stock > 0 {
            self.restock(&id, stock).await;
        }
        id
    }

    pub(crate) async fn restock(&self, id: &str, pieces: i64) {
        let adjusted = self
            .data(
                &self.merchant,
                "mutation($input: StockAdjustInput!) { stockAdjust(input: $input) { product { stock { onHand } } errors { ... on UserError { code } } } }",
                json!({ "input": { "productId": id, "delta": pieces, "reason": "RECEIVED", "idempotencyKey": key() } }),
            )
            .await;
        assert_eq!(adjusted["stockAdjust"]["errors"], json!([]));
    }

    /// (available, on hand, reserved)
    pub(crate) async fn stock(&self, id: &str) -> (i64, i64, i64) {
        let data = self
            .data(
                &self.merchant,
                "query($id: ID!) { product(id: $id) { stock { available onHand reserved } } }",
                json!({ "id": id }),
            )
            .await;
        let stock = &data["product"]["stock"];
        let number = |field: &str| stock[field].as_i64().unwrap();
        (number("available"), number("onHand"), number("reserved"))
    }

    /// A card token as the vault makes it, without HTTP.
    pub(crate) async fn token(&self, number: &str) -> String {
        let number = CardNumber::parse(Zeroizing::new(number.to_owned())).unwrap();
        let cvc = if number.brand() == payments::card::CardBrand::Amex { "1234" } else { "123" };
        let card = CardDetails {
            number,
            exp_month: 12,
            exp_year: 2030,
            cvc: Zeroizing::new(cvc.to_owned()),
            postal_code: None,
        };
        payments::vault::tokenise(&self.app, card).await.unwrap().token
    }

    pub(crate) async fn attach_payload(&self, caller: &Caller, number: &str) -> Value {
        let token = self.token(number).await;
        let data = self
            .data(
                caller,
                "mutation($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) {
                    paymentMethod { id brand last4 isDefault cvcCheck verifiedAt expired }
                    errors { __typename ... on UserError { code } ... on CardDeclinedError { decline { code retryable } } } } }",
                json!({ "input": { "token": token, "idempotencyKey": key() } }),
            )
            .await;
        data["paymentMethodAttach"].clone()
    }

    pub(crate) async fn card(&self, caller: &Caller, number: &str) -> String {
        let payload = self.attach_payload(caller, number).await;
        payload["paymentMethod"]["id"].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned()
    }

    pub(crate) async fn order_payload(
        &self,
        caller: &Caller,
        lines: &[(&str, i64)],
        key: &str,
    ) -> Value {
        let lines: Vec<Value> =
            lines.iter().map(|(id, n)| json!({ "productId": id, "quantity": n })).collect();
        let data = self
            .data(
                caller,
                ORDER_CREATE,
                json!({ "input": { "lines": lines, "shippingAddress": address(), "currency": "EUR", "idempotencyKey": key } }),
            )
            .await;
        data["orderCreate"].clone()
    }

    pub(crate) async fn order(&self, caller: &Caller, lines: &[(&str, i64)]) -> String {
        let payload = self.order_payload(caller, lines, &key()).await;
        payload["order"]["id"].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned()
    }

    pub(crate) async fn payment(&self, caller: &Caller, order: &str, capture: &str) -> String {
        let data = self
            .data(
                caller,
                "mutation($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id status } errors { ... on UserError { code } } } }",
                json!({ "input": { "orderId": order, "captureMethod": capture, "idempotencyKey": key() } }),
            )
            .await;
        data["paymentCreate"]["payment"]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{data}"))
            .to_owned()
    }

    pub(crate) async fn confirm(
        &self,
        caller: &Caller,
        payment: &str,
        method: &str,
        key: &str,
    ) -> Value {
        let data = self
            .data(
                caller,
                PAYMENT_CONFIRM,
                json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": key } }),
            )
            .await;
        data["paymentConfirm"].clone()
    }

    /// An order that has been paid with an approving card: (order, payment).
    pub(crate) async fn paid(&self, caller: &Caller, lines: &[(&str, i64)]) -> (String, String) {
        let order = self.order(caller, lines).await;
        let payment = self.payment(caller, &order, "AUTOMATIC").await;
        let method = self.card(caller, APPROVES).await;
        let confirmed = self.confirm(caller, &payment, &method, &key()).await;
        assert_eq!(confirmed["payment"]["status"], "SUCCEEDED", "{confirmed}");
        (order, payment)
    }

    pub(crate) async fn refund(&self, caller: &Caller, input: Value) -> Value {
        let mut input = input;
        if input.get("idempotencyKey").is_none() {
            input["idempotencyKey"] = json!(key());
        }
        if input.get("reason").is_none() {
            input["reason"] = json!("REQUESTED_BY_CUSTOMER");
        }
        self.data(
            caller,
            "mutation($input: RefundCreateInput!) { refundCreate(input: $input) {
                refund { id status amount { amountMinor } payment { status amountRefunded { amountMinor } } }
                errors { __typename ... on UserError { code path } ... on RefundExceedsPaymentError { refundable { amountMinor } } } } }",
            json!({ "input": input }),
        )
        .await["refundCreate"]
            .clone()
    }

    pub(crate) async fn payment_fields(&self, caller: &Caller, id: &str, fields: &str) -> Value {
        let query = format!("query($id: ID!) {{ payment(id: $id) {{ {fields} }} }}");
        self.data(caller, &query, json!({ "id": id })).await["payment"].clone()
    }

    pub(crate) async fn order_status(&self, caller: &Caller, id: &str) -> String {
        let query = "query($id: ID!) { order(id: $id) { status } }";
        let data = self.data(caller, query, json!({ "id": id })).await;
        data["order"]["status"].as_str().unwrap().to_owned()
    }

    /// The books must agree; called at the end of every flow.
    pub(crate) async fn assert_books(&self) {
        let drifts = payments::verify(&self.app.database).await.unwrap();
        assert!(drifts.is_empty(), "{drifts:#?}");
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        use sea_orm::{ConnectionTrait, Statement};
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let statement = Statement::from_string(self.app.database.backend(), sql);
        let row = self.app.database.read().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }

    pub(crate) async fn events(&self) -> Vec<(String, Value)> {
        let page = kit::events::page(self.app.database.read(), 0, 1000).await.unwrap();
        page.events.into_iter().map(|event| (event.kind, event.payload)).collect()
    }

    pub(crate) fn wait(&self, minutes: u64) {
        self.clock.advance(Duration::from_mins(minutes));
    }
}

pub(crate) const ORDER_CREATE: &str = "mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
    order { id number status total { amountMinor decimal } subtotal { amountMinor } shipping { amountMinor }
            reservationExpiresAt shippingAddress { formatted administrativeArea }
            lines { id sku title quantity unitPrice { amountMinor } total { amountMinor } product { id } } }
    errors { __typename ... on UserError { code path } ... on InsufficientStockError { available requested product { id } }
             ... on InvalidAddressError { validation { verdict issues { field code } } } } } }";

pub(crate) const PAYMENT_CONFIRM: &str = "mutation($input: PaymentConfirmInput!) { paymentConfirm(input: $input) {
    payment { id status lastError { code } nextAction { kind redirectUrl } amountCaptured { amountMinor } }
    errors { __typename ... on UserError { code } ... on CardDeclinedError { decline { code retryable } }
             ... on InvalidStateError { from attempted } ... on ProcessorUnavailableError { outcomeUnknown } } } }";

pub(crate) fn address() -> Value {
    json!({ "recipient": "Ada Lovelace", "lines": ["Unter den Linden 1"], "locality": "Berlin", "postalCode": "10117", "countryCode": "DE" })
}

pub(crate) fn key() -> String {
    kit::id::new_id(Clock::system().now()).simple().to_string()
}

pub(crate) fn id_of(caller: &Caller) -> UserId {
    caller.user_id().unwrap()
}

pub(crate) fn person(clock: &Clock) -> UserId {
    UserId::new(clock.now())
}

pub(crate) fn with_roles(id: UserId, scopes: &[&str], roles: &[&str]) -> Caller {
    let mut user = UserCaller::with_scopes(id, scopes.iter().copied());
    user.roles = roles.iter().map(|&role| role.to_owned()).collect();
    Caller::User(user)
}

pub(crate) fn codes(payload: &Value) -> Vec<&str> {
    payload["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect()
}

/// Code of the first top-level error.
pub(crate) fn top_code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}
