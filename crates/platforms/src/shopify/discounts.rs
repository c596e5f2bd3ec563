//! Codes: lookup, creation and listing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vouch_core::code::is_same_code;

use super::admin::{self, Admin, admin_url, short, unexpected};
use super::rules::{InStore, Rules};
use crate::{CallError, CodeState, CursorPage, Mark, NewCode, StoreCode};

/// The tag of every discount that Vouch creates, so merchants can find them in the store's admin.
const TAG: &str = "vouch";

fn tags(mark: Mark) -> [String; 2] {
    [TAG.to_owned(), format!("{TAG}:{}-{}", mark.merchant_id, mark.trigger_id)]
}

fn mark_in(tags: &[String]) -> Option<Mark> {
    tags.iter().find_map(|tag| {
        let (merchant_id, trigger_id) = tag.strip_prefix("vouch:")?.split_once('-')?;
        Some(Mark { merchant_id: merchant_id.parse().ok()?, trigger_id: trigger_id.parse().ok()? })
    })
}

/// A discount of any kind. Fields that the kind doesn't have are missing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discount {
    #[serde(rename = "__typename")]
    kind: String,
    status: Option<String>,
    summary: Option<String>,
    title: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    usage_limit: Option<u32>,
    async_usage_count: Option<u32>,
    codes: Option<Codes>,
    #[serde(flatten)]
    rest: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Codes {
    nodes: Vec<Code>,
    page_info: Option<PageInfo>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

impl Discount {
    fn state(&self) -> CodeState {
        let used_up = self.usage_limit.is_some_and(|limit| self.async_usage_count >= Some(limit));
        match self.status.as_deref() {
            Some("SCHEDULED") => CodeState::Scheduled,
            // Shopify deactivates a discount by setting its end date.
            Some("EXPIRED") => CodeState::Expired,
            _ if used_up => CodeState::Expired,
            _ => CodeState::Live,
        }
    }

    fn same_rules(&self, rules: Option<&Rules>) -> bool {
        if self.kind != "DiscountCodeBasic" {
            return false;
        }
        let mut fields = self.rest.clone();
        fields["usageLimit"] = json!(self.usage_limit);
        let in_store = serde_json::from_value::<InStore>(fields);
        rules.zip(in_store.ok()).is_some_and(|(rules, discount)| rules.are_those_of(&discount))
    }

    fn as_code(&self, admin: &Admin, rules: Option<&Rules>, id: &str, code: &str) -> StoreCode {
        let words = self.summary.as_deref().or(self.title.as_deref()).unwrap_or_default();
        StoreCode {
            code: code.to_owned(),
            remote_ref: id.to_owned(),
            admin_url: Some(admin_url(admin.base(), id)),
            mark: mark_in(&self.tags),
            state: self.state(),
            rules: short(&words.replace('\n', " ")),
            same_rules: self.same_rules(rules),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CodeData {
    code_discount_node_by_code: Option<CodeNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CodeNode {
    id: String,
    code_discount: Discount,
}

pub(super) fn find(
    admin: &mut Admin,
    rules: Option<&Rules>,
    code: &str,
) -> Result<Option<StoreCode>, CallError> {
    let found: CodeData =
        admin.ask(document!("find_code", "discount"), &json!({ "code": code }))?;
    let Some(CodeNode { id, code_discount: discount }) = found.code_discount_node_by_code else {
        return Ok(None);
    };
    let spelt = discount.codes.iter().flat_map(|codes| &codes.nodes);
    let spelt = spelt.map(|held| held.code.as_str());
    let same = |held: &&str| is_same_code(held, code);
    let spelling = spelt.clone().find(same).unwrap_or(code).to_owned();
    Ok(Some(discount.as_code(admin, rules, &id, &spelling)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    discount_code_basic_create: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    code_discount_node: Option<CodeNode>,
    #[serde(default)]
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct UserError {
    code: Option<String>,
    message: String,
}

pub(super) fn create(
    admin: &mut Admin,
    rules: &Rules,
    code: &NewCode,
) -> Result<StoreCode, CallError> {
    let input = rules.input(code, &tags(code.mark));
    let document = document!("create_code", "discount");
    let made: Made = admin.ask(document, &json!({ "discount": input }))?;
    let Payload { code_discount_node, user_errors } = made.discount_code_basic_create;
    if user_errors.iter().any(|error| error.code.as_deref() == Some("TAKEN")) {
        return Err(CallError::Taken);
    }
    if !user_errors.is_empty() {
        let said: Vec<String> = user_errors.iter().map(|error| short(&error.message)).collect();
        return Err(CallError::Refused(admin::said(&said.join(" "))));
    }
    let Some(CodeNode { id, code_discount: discount }) = code_discount_node else {
        return Err(unexpected());
    };
    Ok(discount.as_code(admin, Some(rules), &id, &code.code))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    discount_nodes: Nodes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nodes {
    nodes: Vec<Node>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    discount: Discount,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfOne {
    discount_node: Option<Node>,
}

/// The position in the list. A discount can have thousands of codes, so the remaining codes of a
/// page are read before the next page.
#[derive(Default, Serialize, Deserialize)]
struct CodeCursor {
    /// The cursor of the next page; `None` after the last one.
    after: Option<String>,
    /// Discounts with more codes, each with the cursor of the next ones.
    within: Vec<(String, String)>,
}

impl CodeCursor {
    fn write(&self) -> Option<String> {
        let at_end = self.after.is_none() && self.within.is_empty();
        (!at_end).then(|| json!(self).to_string())
    }
}

pub(super) fn page(
    admin: &mut Admin,
    rules: Option<&Rules>,
    cursor: Option<&str>,
) -> Result<CursorPage<StoreCode>, CallError> {
    let mut cursor: CodeCursor =
        cursor.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut rows = Vec::new();
    let nodes = match cursor.within.pop() {
        Some((id, after)) => {
            let variables = json!({ "id": id, "after": after });
            let one: OfOne = admin.ask(document!("more_codes", "discount", "codes"), &variables)?;
            // A discount deleted meanwhile has no more codes.
            one.discount_node.into_iter().collect()
        }
        None => {
            let variables = json!({ "after": cursor.after });
            let listed: Listed = admin.ask(document!("codes", "discount", "codes"), &variables)?;
            cursor.after = listed.discount_nodes.page_info.next();
            listed.discount_nodes.nodes
        }
    };
    for Node { id, mut discount } in nodes {
        let Some(codes) = discount.codes.take() else { continue };
        let of_one = codes.nodes.iter().map(|code| discount.as_code(admin, rules, &id, &code.code));
        rows.extend(of_one);
        if let Some(after) = codes.page_info.and_then(PageInfo::next) {
            cursor.within.push((id, after));
        }
    }
    Ok(CursorPage { rows, next: cursor.write() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again_among_other_tags() {
        let mark = Mark { merchant_id: 7, trigger_id: 4_001 };
        let mut all = vec!["summer".to_owned(), "vouch:".to_owned(), "vouch:x-1".to_owned()];
        assert_eq!(mark_in(&all), None);
        all.extend(tags(mark));
        assert_eq!(mark_in(&all), Some(mark));
    }
}
