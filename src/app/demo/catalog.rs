//! The demo's Shopify store: its products, and the format of its webhooks (API version 2024-10).

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::random::Random;

pub(super) struct CatalogProduct {
    pub(crate) sku: &'static str,
    pub(crate) title: &'static str,
    pub(crate) cents: i64,
}

const fn product(sku: &'static str, title: &'static str, cents: i64) -> CatalogProduct {
    CatalogProduct { sku, title, cents }
}

/// Its designer earns a royalty on this product.
pub(super) const DESIGNED_SKU: &str = "BALM-ANAIS";

pub(super) const PRODUCTS: [CatalogProduct; 10] = [
    product("SOAP-SAGE", "Sage & Sea Salt Soap", 900),
    product("SOAP-JUNI", "Juniper Tar Soap", 950),
    product("BALM-ROSE", "Rosemary Hand Balm, 60 ml", 1850),
    product(DESIGNED_SKU, "Lavender Balm by Anaïs Lefèvre", 2200),
    product("OIL-BATH", "Birch Bath Oil", 2900),
    product("CANDLE-L", "Beeswax Candle, Large", 3400),
    product("SET-GIFT", "Winter Gift Box", 6800),
    product("TEA-NIGHT", "Night Garden Tea", 1250),
    product("TOWEL-LIN", "Linen Towel, 70 × 140 cm", 4500),
    product("BRUSH-01", "Sauna Brush", 1600),
];

#[derive(Clone)]
pub(super) struct DemoCustomer {
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) email: String,
}

#[derive(Clone)]
pub(super) struct BasketLine {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) cents: i64,
    pub(crate) quantity: i64,
}

impl BasketLine {
    fn subtotal(&self) -> i64 {
        self.cents * self.quantity
    }
}

/// An order in the store at one point in time.
#[derive(Clone)]
pub(super) struct Sale {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) placed_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) cancelled_at: Option<DateTime<Utc>>,
    pub(crate) is_test: bool,
    pub(crate) payment: &'static str,
    pub(crate) demo_customer: Option<DemoCustomer>,
    pub(crate) lines: Vec<BasketLine>,
    /// A code, and its discount on every line in basis points.
    pub(crate) codes: Vec<(String, i64)>,
    pub(crate) tax_basis_points: i64,
    pub(crate) refunds: Vec<DemoRefund>,
}

/// Returned items of one line.
#[derive(Clone)]
pub(super) struct DemoRefund {
    pub(crate) id: u64,
    pub(crate) line: usize,
    pub(crate) quantity: i64,
    pub(crate) at: DateTime<Utc>,
}

const SHIPPING_CENTS: i64 = 595;
const FREE_SHIPPING_FROM_CENTS: i64 = 6000;

impl Sale {
    fn discount(&self, line: usize, code: usize) -> i64 {
        (self.lines[line].subtotal() * self.codes[code].1 + 5_000) / 10_000
    }

    fn line_discount(&self, line: usize) -> i64 {
        (0..self.codes.len()).map(|code| self.discount(line, code)).sum()
    }

    fn code_discount(&self, code: usize) -> i64 {
        (0..self.lines.len()).map(|line| self.discount(line, code)).sum()
    }

    fn line_tax(&self, line: usize) -> i64 {
        let paid = self.lines[line].subtotal() - self.line_discount(line);
        (paid * self.tax_basis_points + 5_000) / 10_000
    }

    /// The webhook body in Shopify's format.
    pub(super) fn body(&self) -> Value {
        let count = 0..self.lines.len();
        let goods: i64 = self.lines.iter().map(BasketLine::subtotal).sum();
        let discount: i64 = count.clone().map(|line| self.line_discount(line)).sum();
        let tax: i64 = count.clone().map(|line| self.line_tax(line)).sum();
        let shipping = if goods >= FREE_SHIPPING_FROM_CENTS { 0 } else { SHIPPING_CENTS };
        let demo_customer = self.demo_customer.as_ref();
        json!({
            "id": self.id,
            "name": format!("#{}", self.number),
            "order_number": self.number,
            "test": self.is_test,
            "created_at": time(self.placed_at),
            "processed_at": time(self.placed_at),
            "updated_at": time(self.updated_at),
            "cancelled_at": self.cancelled_at.map(time),
            "currency": "USD",
            "financial_status": self.payment,
            "taxes_included": false,
            "email": demo_customer.map(|demo_customer| &demo_customer.email),
            "customer": demo_customer.map(|demo_customer| json!({
                "id": customer_id(&demo_customer.email),
                "email": demo_customer.email,
                "first_name": demo_customer.first,
                "last_name": demo_customer.last,
            })),
            "discount_codes": self.codes.iter().enumerate().map(|(at, (code, _))| json!({
                "code": code, "amount": money(self.code_discount(at)), "type": "percentage",
            })).collect::<Vec<_>>(),
            "discount_applications": self.codes.iter().map(|(code, rate)| json!({
                "type": "discount_code", "code": code, "value": money(*rate),
                "value_type": "percentage", "target_type": "line_item",
                "target_selection": "all", "allocation_method": "across",
            })).collect::<Vec<_>>(),
            "line_items": count.map(|line| self.line_body(line)).collect::<Vec<_>>(),
            "shipping_lines": [{ "price": money(shipping), "discounted_price": money(shipping) }],
            "refunds": self.refunds.iter().map(|refund| self.refund_body(refund)).collect::<Vec<_>>(),
            "total_discounts": money(discount),
            "total_line_items_price": money(goods),
            "subtotal_price": money(goods - discount),
            "total_tax": money(tax),
            "total_price": money(goods - discount + tax + shipping),
        })
    }

    fn line_body(&self, at: usize) -> Value {
        let line = &self.lines[at];
        let back: i64 =
            self.refunds.iter().filter(|refund| refund.line == at).map(|r| r.quantity).sum();
        json!({
            "id": self.line_id(at),
            "sku": line.sku,
            "title": line.title,
            "name": line.title,
            "quantity": line.quantity,
            "current_quantity": line.quantity - back,
            "price": money(line.cents),
            "total_discount": "0.00",
            "discount_allocations": (0..self.codes.len()).map(|code| json!({
                "amount": money(self.discount(at, code)), "discount_application_index": code,
            })).collect::<Vec<_>>(),
            "tax_lines": [{ "price": money(self.line_tax(at)), "title": "Sales Tax" }],
        })
    }

    fn line_id(&self, at: usize) -> u64 {
        self.id * 100 + at as u64
    }

    /// The body of refunds/create.
    pub(super) fn refund_body(&self, refund: &DemoRefund) -> Value {
        let line = &self.lines[refund.line];
        let share = |amount: i64| amount * refund.quantity / line.quantity;
        let subtotal = share(line.subtotal() - self.line_discount(refund.line));
        let tax = share(self.line_tax(refund.line));
        let set = |cents: i64| json!({ "shop_money": { "amount": money(cents), "currency_code": "USD" } });
        json!({
            "id": refund.id,
            "order_id": self.id,
            "created_at": time(refund.at),
            "processed_at": time(refund.at),
            "refund_line_items": [{
                "id": refund.id * 10,
                "line_item_id": self.line_id(refund.line),
                "quantity": refund.quantity,
                "subtotal_set": set(subtotal),
                "total_tax_set": set(tax),
            }],
            "order_adjustments": [],
            "transactions": [],
        })
    }
}

/// Cents in Shopify's money format.
fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Rounded to whole seconds, as Shopify's timestamps are.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The same email always gets the same ID.
fn customer_id(email: &str) -> u64 {
    email
        .bytes()
        .fold(7_000_000_000_000, |id, byte| id * 31 % 9_007_199_254_740_881 + u64::from(byte))
}

const FIRST_NAMES: [&str; 16] = [
    "Ada", "Noah", "Inés", "Olu", "Mika", "Grace", "Ravi", "Lena", "Tom", "Yuki", "Chloé", "Sami",
    "Ewa", "Marco", "Ruth", "Ali",
];
const LAST_NAMES: [&str; 16] = [
    "Baker",
    "Okoye",
    "Sørensen",
    "Ito",
    "Kowalska",
    "Haddad",
    "Nguyen",
    "Moreau",
    "Rossi",
    "Schmidt",
    "Patel",
    "Cohen",
    "Silva",
    "Murphy",
    "Novák",
    "Demir",
];

/// One of a few hundred customers. Some of them return.
pub(super) fn demo_customer(random: &mut Random) -> DemoCustomer {
    let (first, last) = (*random.pick(&FIRST_NAMES), *random.pick(&LAST_NAMES));
    let plain = |name: &str| deunicode::deunicode(name).to_lowercase();
    let email = format!("{}.{}@customers.example", plain(first), plain(last));
    DemoCustomer { first: first.to_owned(), last: last.to_owned(), email }
}

/// The order lines of one random purchase.
pub(super) fn basket(random: &mut Random) -> Vec<BasketLine> {
    let count = [1, 1, 1, 2, 2, 3, 4][usize::try_from(random.below(7)).unwrap_or_default()];
    let mut lines: Vec<BasketLine> = Vec::new();
    while lines.len() < count {
        let product = random.pick(&PRODUCTS);
        if lines.iter().any(|line| line.sku == product.sku) {
            continue;
        }
        let quantity = if random.percent(75) { 1 } else { random.between(2, 4) };
        lines.push(line(product, quantity));
    }
    lines
}

pub(super) fn line(product: &CatalogProduct, quantity: i64) -> BasketLine {
    BasketLine {
        sku: product.sku.to_owned(),
        title: product.title.to_owned(),
        cents: product.cents,
        quantity,
    }
}
