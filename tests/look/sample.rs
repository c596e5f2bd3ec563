//! Pages out of the real layouts and macros, filled with samples.

use askama::Template;
use askama::filters::HtmlSafe;
use vouch::features::auth::{StoreProblem, Viewing};
use vouch::kit::web::flash::{Flash, FlashKind, FlashUndo};
use vouch::kit::web::form::FormErrors;

/// What layouts ask of a page, answered without a session.
pub(super) struct SamplePage {
    pub path: &'static str,
    pub flash: bool,
}

impl SamplePage {
    fn csrf(&self) -> &'static str {
        "sample"
    }

    fn may_write(&self) -> bool {
        true
    }

    fn frame(&self) -> SampleFrame<'_> {
        SampleFrame { page: self }
    }

    fn flash(&self) -> Option<Flash> {
        self.flash.then(|| Flash {
            kind: FlashKind::Success,
            text: "Orders with MARIA10 now credit María Fernández.".into(),
            undo: Some(FlashUndo { action: "/undo".into(), label: "Undo".into() }),
        })
    }

    fn merchant_name(&self) -> &'static str {
        "Alder & Finch"
    }

    fn time_zone(&self) -> &'static str {
        "Europe/Berlin"
    }

    fn person_name(&self) -> &'static str {
        "Olivia Brandt"
    }

    fn person_email(&self) -> &'static str {
        "olivia@alderandfinch.example"
    }

    fn role_label(&self) -> &'static str {
        "Owner"
    }

    fn store_problem(&self) -> Option<StoreProblem> {
        None
    }

    fn viewing(&self) -> Option<Viewing> {
        None
    }

    fn has_other_programs(&self) -> bool {
        true
    }

    fn path(&self) -> &'static str {
        self.path
    }

    fn is_at(&self, prefix: &str) -> bool {
        self.path.starts_with(prefix)
    }
}

/// The menu of a member, around a sample.
#[derive(Template)]
#[template(path = "components/merchant_frame.html")]
struct SampleFrame<'a> {
    page: &'a SamplePage,
}
impl HtmlSafe for SampleFrame<'_> {}

/// A row of the sample list: name, id, e-mail, status, tone, offer, codes, orders, commission.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u32,
    u32,
    &'static str,
);

const ROWS: [Row; 7] = [
    (
        "María Fernández",
        "a3y7",
        "maria@fernandez.example",
        "Active",
        "good",
        "Standard 10%",
        3,
        128,
        "€2,417.90",
    ),
    (
        "דניאל כהן",
        "k9p2",
        "daniel@cohen.example",
        "Active",
        "good",
        "Standard 10%",
        1,
        64,
        "€1,102.35",
    ),
    (
        "北京跑步俱乐部",
        "q4m8",
        "run@beijing.example",
        "Pending",
        "wait",
        "Standard 10%",
        0,
        0,
        "€0.00",
    ),
    (
        "The Wholly Unreasonably Long Name Cycling and Coffee Society of Llanfairpwllgwyngyll",
        "z7t1",
        "treasurer.and.membership.secretary@wholly-unreasonably-long.example",
        "Active",
        "good",
        "Partner, flat per order",
        12,
        9,
        "€90.00",
    ),
    ("Jonas Weber", "b2c6", "jonas@weber.example", "Denied", "bad", "Standard 10%", 0, 0, "€0.00"),
    (
        "Aïcha Diallo",
        "h5r3",
        "aicha@diallo.example",
        "Disabled",
        "off",
        "Standard 10%",
        2,
        0,
        "\u{2212}€12.40",
    ),
    (
        "Priya Raman",
        "n8w4",
        "priya@raman.example",
        "Pending",
        "wait",
        "Partner, flat per order",
        0,
        0,
        "€0.00",
    ),
];

const STATUSES: [(&str, &str); 4] =
    [("pending", "Pending"), ("active", "Active"), ("denied", "Denied"), ("disabled", "Disabled")];
const TYPES: [(&str, &str); 3] =
    [("coupon", "Coupon Code"), ("email", "Customer Email"), ("sku", "SKU")];

/// A list, with figures on top.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##"
{% extends "layouts/merchant.html" %}
{% import "macros/ui.html" as ui %}
{% import "macros/form.html" as f %}
{% block title %}Affiliates{% endblock %}
{% block heading %}Affiliates{% endblock %}
{% block lead %}<p>Everyone who promotes Alder &amp; Finch, and what they brought in the last 30 days.</p>{% endblock %}
{% block actions %}
<a class="btn btn-outline-secondary" href="/export">{{ ui::icon("download") }}Export</a>
<a class="btn btn-primary" href="/dialog" data-dialog="Add Trigger">{{ ui::icon("plus") }}New Trigger</a>
{% endblock %}
{% block content %}
<dl class="figures">
  {{ ui::figure("Credited revenue", "€48,210.50", href="/orders", change="+12%", note="30 days before: €43,045.00") }}
  {{ ui::figure("Commission", "€4,821.05", href="/conversions", change="+12%") }}
  {{ ui::figure("Conversions", "1,204", href="/conversions", change="−3%", better=false) }}
  {{ ui::figure("Waiting for approval", "17", href="/conversions?status=pending") }}
</dl>
{% call f::live("/affiliates") %}
  {{ f::search("q", "Search affiliates", q, "Name, e-mail, affiliate ID or code") }}
  {{ f::filter("status", "Status", status, STATUSES, "All statuses") }}
{% endcall %}
<div id="results">
  <div class="panel panel-flush">
    <form class="bulk" id="bulk" method="post" action="/affiliates/bulk" data-needs-selection>
      {{ f::csrf() }}
      <span class="bulk-count" data-count aria-live="polite"></span>
      <button class="btn btn-sm btn-outline-secondary" name="action" value="approve">Approve</button>
      <button class="btn btn-sm btn-outline-danger" name="action" value="deny" data-confirm="Deny the selected affiliates? They keep their codes, but orders with them don’t earn commission.">Deny</button>
      <button class="btn btn-sm btn-outline-secondary" name="action" value="disable">Disable</button>
    </form>
    <table class="list list-stack">
      <thead><tr>
        <th scope="col" class="check"><input class="form-check-input" type="checkbox" form="bulk" data-select-all="id" aria-label="Select all"></th>
        <th scope="col">Affiliate</th><th scope="col">Email</th><th scope="col">Status</th><th scope="col">Offer</th>
        <th scope="col" class="end">Codes</th><th scope="col" class="end">Orders</th><th scope="col" class="end">Commission</th>
      </tr></thead>
      <tbody>
      {% for row in self.rows() %}
      <tr>
        <td class="check"><input class="form-check-input" type="checkbox" form="bulk" name="id" value="{{ row.1 }}" aria-label="Select {{ row.0 }}"></td>
        <th scope="row"><a class="name" href="/affiliates/1" dir="auto">{{ row.0 }}</a><span class="sub mono">{{ row.1 }}</span></th>
        <td data-label="Email" class="wide">{{ row.2 }}</td>
        <td data-label="Status">{{ ui::badge(row.3, row.4) }}</td>
        <td data-label="Offer">{{ row.5 }}</td>
        <td data-label="Codes" class="end">{{ row.6 }}</td>
        <td data-label="Orders" class="end">{{ row.7 }}</td>
        <td data-label="Commission" class="end">{{ ui::money(row.8) }}</td>
      </tr>
      {% endfor %}
      </tbody>
    </table>
  </div>
</div>
{% endblock %}
"##
)]
pub(super) struct ListPage {
    pub page: SamplePage,
    pub q: String,
    pub status: String,
}

impl ListPage {
    fn rows(&self) -> impl Iterator<Item = &'static Row> {
        ROWS.iter().filter(|row| {
            row.0.contains(&self.q)
                && (self.status.is_empty() || row.3.eq_ignore_ascii_case(&self.status))
        })
    }
}

/// One affiliate: a menu beside, a form with errors, facts, a story, an empty list.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##"
{% extends "layouts/merchant.html" %}
{% import "macros/ui.html" as ui %}
{% import "macros/form.html" as f %}
{% block title %}María Fernández{% endblock %}
{% block breadcrumbs %}<li><a href="/affiliates">Affiliates</a></li><li>María Fernández</li>{% endblock %}
{% block heading %}María Fernández {{ ui::badge("Active", "good") }}{% endblock %}
{% block lead %}<p><span class="mono">a3y7</span> · since 3 March 2026</p>{% endblock %}
{% block actions %}<a class="btn btn-primary" href="/dialog" data-dialog="Add Trigger">{{ ui::icon("plus") }}Add Trigger</a>{% endblock %}
{% block beside %}
<nav class="local" aria-label="María Fernández"><ul>
  <li><a href="/a">Settings</a></li><li><a href="/b" aria-current="page">Conversion Triggers</a></li><li><a href="/c">Conversions</a></li><li><a href="/d">Manual Credit</a></li>
</ul></nav>
{% endblock %}
{% block content %}
<section class="panel panel-flush">
  <div class="panel-head"><h2>Conversion Triggers</h2></div>
  <table class="list list-stack">
    <thead><tr><th scope="col">Code</th><th scope="col">Type</th><th scope="col">Store</th><th scope="col" class="end">Orders</th></tr></thead>
    <tbody>
      <tr><th scope="row">{{ ui::code("MARIA10") }}</th><td data-label="Type">Coupon Code</td><td data-label="Store">{{ ui::badge("Pushed", "good") }}</td><td data-label="Orders" class="end">101</td></tr>
      <tr><th scope="row">{{ ui::code("SUMMER-WITH-MARIA-2026") }}</th><td data-label="Type">Coupon Code</td><td data-label="Store">{{ ui::badge("Queued", "info") }}</td><td data-label="Orders" class="end">0</td></tr>
      <tr><th scope="row">{{ ui::code("OLDMARIA") }}</th><td data-label="Type">Coupon Code</td><td data-label="Store">{{ ui::badge("Failed", "bad") }} {{ ui::badge("Unqualified", "off") }}</td><td data-label="Orders" class="end">27</td></tr>
    </tbody>
  </table>
</section>
<div class="columns">
  <section class="panel">
    <h2>Add Trigger</h2>
    <form method="post" action="/triggers" novalidate>
      {{ f::csrf() }}
      {{ f::summary(errors) }}
      {{ f::combobox("affiliate_id", "Affiliate", "", "", "/options", errors, "Type a name, an e-mail address or an affiliate ID.") }}
      {{ f::select("kind", "Type", "coupon", TYPES, errors) }}
      {{ f::text("value", "Coupon Code", value, errors, hint="Up to 50 characters, without spaces.", mono=true, maxlength="50") }}
      {{ f::email("email", "Email", "maria@fernandez.example", errors, required=false) }}
      {{ f::password("password", "Password", errors, "new-password", "At least ten characters.") }}
      {{ f::textarea("note", "Note", "", errors, required=false) }}
      {{ f::money("amount", "Amount", "12.50", "EUR", errors) }}
      {{ f::date("since", "From", "2026-03-01", errors) }}
      {{ f::radios("terms", "What it pays", "email", TYPES, errors) }}
      {{ f::checkbox("auto", "Approve by itself", true, errors, "Conversions of this offer need no look from you.") }}
      {{ f::submit("Create", "/affiliates") }}
    </form>
  </section>
  <div>
    <section class="panel">
      <h2>Why this order was credited</h2>
      <dl class="facts">{{ ui::fact("Order", "#1042") }}{{ ui::fact("Placed", "22 November 2026, 14:03") }}{{ ui::fact("Code on the order", "maria10") }}</dl>
    </section>
    <section class="panel">
      <h2>What happened</h2>
      <ol class="timeline">
        <li><p>Refunded €20.00: commission {{ ui::money("\u{2212}€2.00") }}</p>{{ ui::time("2026-11-22T15:10:00Z", "22 November 2026, 16:10") }}</li>
        <li><p>Paid. Commission {{ ui::money("€12.40") }} to María Fernández</p>{{ ui::time("2026-11-22T13:05:00Z", "22 November 2026, 14:05") }}</li>
        <li><p>Placed with the code <span class="mono">maria10</span></p>{{ ui::time("2026-11-22T13:03:00Z", "22 November 2026, 14:03") }}</li>
      </ol>
    </section>
    <section class="panel">
      {% call ui::empty("No conversions yet", "Orders that carry one of María’s codes appear here.") %}<a class="btn btn-outline-secondary" href="/triggers">See the codes</a>{% endcall %}
    </section>
  </div>
</div>
{% endblock %}
"##
)]
pub(super) struct DetailPage {
    pub page: SamplePage,
    pub value: &'static str,
    pub errors: FormErrors,
}

/// A small form: a page of its own, or a dialog.
#[derive(Template)]
#[template(ext = "html", blocks = ["content"], source = r##"
{% extends "layouts/merchant.html" %}
{% import "macros/form.html" as f %}
{% block title %}Add Trigger{% endblock %}
{% block breadcrumbs %}<li><a href="/affiliates">Affiliates</a></li><li><a href="/affiliates/1">María Fernández</a></li><li>Add Trigger</li>{% endblock %}
{% block heading %}Add Trigger{% endblock %}
{% block content %}
<form class="panel stack" method="post" action="/triggers" novalidate>
  {{ f::csrf() }}
  {{ f::summary(errors) }}
  {{ f::select("kind", "Type", "coupon", TYPES, errors) }}
  {{ f::text("value", "Coupon Code", value, errors, hint="Up to 50 characters, without spaces.", mono=true, maxlength="50") }}
  {{ f::submit("Create", "/affiliates/1") }}
</form>
{% endblock %}
"##)]
pub(super) struct DialogPage {
    pub page: SamplePage,
    pub value: &'static str,
    pub errors: FormErrors,
}

/// Sign-in.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##"
{% extends "layouts/public.html" %}
{% import "macros/form.html" as f %}
{% block title %}Sign in{% endblock %}
{% block heading %}Sign in{% endblock %}
{% block content %}
<form method="post" action="/login">
  {{ f::csrf() }}{{ f::summary(errors) }}
  {{ f::email("email", "Email", "", errors, autocomplete="username") }}
  {{ f::password("password", "Password", errors, "current-password") }}
  {{ f::submit("Sign in") }}
</form>
{% endblock %}
"##
)]
pub(super) struct GatePage {
    pub page: SamplePage,
    pub errors: FormErrors,
}
