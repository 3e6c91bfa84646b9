use serde_json::json;

use super::*;

/// The document for two seats, without JSON's escapes.
fn for_two(document: &str) -> Option<String> {
    let company = CompanyProgram::new(document)?;
    let mut out = b"\"query(".to_vec();
    company.definitions.write("0", &mut out);
    out.push(b' ');
    company.definitions.write("1", &mut out);
    out.extend_from_slice(b"){");
    company.selections.write("0", &mut out);
    out.push(b' ');
    company.selections.write("1", &mut out);
    out.extend_from_slice(b"}\"");
    Some(serde_json::from_slice(&out).unwrap())
}

#[test]
fn variables_and_root_fields_get_the_number_of_the_seat() {
    for (document, expected) in [
        (
            "query Q($id:ID!){user(id:$id){name}}",
            "query($id_0:ID! $id_1:ID!){c0_user:user(id:$id_0){name} c1_user:user(id:$id_1){name}}",
        ),
        (
            "query ($a:[I!]=[{b:1}] @d(x:\"$a)\"),$b:B){one:two(x:[$a,{y:$b}])@include(if:$b) three}",
            "query($a_0:[I!]=[{b:1}] @d(x:\"$a)\"),$b_0:B $a_1:[I!]=[{b:1}] @d(x:\"$a)\"),$b_1:B)\
             {c0_one:two(x:[$a_0,{y:$b_0}])@include(if:$b_0) c0_three:three \
             c1_one:two(x:[$a_1,{y:$b_1}])@include(if:$b_1) c1_three:three}",
        ),
        (
            "query($a:A){x(a:\"}\\\" $a {\" b:\"\"\" \\\"\"\" ) \"\"\"){... on T{y(z:$a)}}}",
            "query($a_0:A $a_1:A){c0_x:x(a:\"}\\\" $a {\" b:\"\"\" \\\"\"\" ) \"\"\"){... on T{y(z:$a_0)}} \
             c1_x:x(a:\"}\\\" $a {\" b:\"\"\" \\\"\"\" ) \"\"\"){... on T{y(z:$a_1)}}}",
        ),
        ("query($é", ""),
        ("query Q{user{name}}", ""),
        ("mutation Q($id:ID!){user(id:$id){name}}", ""),
        ("query Q($id:ID!)@live{user(id:$id){name}}", ""),
        ("query Q($id:ID!){...F} fragment F on Query{user(id:$id){name}}", ""),
        ("query Q($id:ID!){user(id:$id){...F}} fragment F on User{name}", ""),
        ("query Q($id:ID!){user(id:\"", ""),
        ("", ""),
    ] {
        let expected = (!expected.is_empty()).then(|| expected.to_owned());
        assert_eq!(for_two(document), expected, "{document}");
    }
}

#[test]
fn variables_that_are_not_given_stay_away() {
    let company = CompanyProgram::new("query($a:A,$b:B,$c:C){x(a:$a,b:$b,c:$c)}").unwrap();
    let ask = |values: Value| company.ask(values.as_object().unwrap());
    let mut members = Vec::new();
    company.members(&ask(json!({ "a": [1], "c": null, "other": 1 })), "_0", &mut members);
    company.members(&ask(json!({})), "_1", &mut members);
    company.members(&ask(json!({ "b": "\u{0},\"" })), "_2", &mut members);
    assert_eq!(String::from_utf8(members).unwrap(), r#""a_0":[1],"c_0":null,"b_2":"\u0000,\"""#);
}

/// What each of three seats is told.
fn told(body: &str) -> Vec<Option<String>> {
    let response = SubgraphResponse { status: 200, body: Bytes::copy_from_slice(body.as_bytes()) };
    let text = |own: SubgraphResponse| String::from_utf8(own.body.to_vec()).unwrap();
    split(&response, 3).into_iter().map(|own| own.map(text)).collect()
}

#[test]
fn everybody_gets_the_own_part_only() {
    let own = |text: &str| Some(text.to_owned());
    let whole = r#"{"data":{"c2_a":null,"c0_a":{"x":[1]},"c1_a":3,"c0_b_c":"é"}}"#;
    assert_eq!(
        told(whole),
        [
            own(r#"{"data":{"a":{"x":[1]},"b_c":"é"}}"#),
            own(r#"{"data":{"a":3}}"#),
            own(r#"{"data":{"a":null}}"#)
        ]
    );
    let one_fails = r#"{"errors":[{"message":"no","path":["c1_a",0]}],"data":{"c0_a":1,"c1_a":[null],"c2_a":2}}"#;
    assert_eq!(told(one_fails), [own(r#"{"data":{"a":1}}"#), None, own(r#"{"data":{"a":2}}"#)]);
    let one_is_missing = r#"{"data":{"c0_a":1,"c2_a":2},"errors":[]}"#;
    assert_eq!(told(one_is_missing)[1], None);
}

#[test]
fn what_cannot_be_told_apart_is_nobodys() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"data":null,"errors":[{"message":"no","path":["c1_a"]}]}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c2_a":1},"errors":[{"message":"no"}]}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c2_a":1},"errors":[{"message":"no","path":[]}]}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c2_a":1},"errors":[{"message":"no","path":["c3_a"]}]}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c2_a":1},"errors":{}}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c2_a":1},"data":{}}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c2_a":1,"a":1}}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c7_a":1}}"#,
        r#"{"data":{"c0_a":1,"c1_a":1,"c2_a":1}"#,
    ] {
        assert_eq!(told(body), [None, None, None], "{body}");
    }
}
