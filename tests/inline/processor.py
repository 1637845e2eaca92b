from django.utils.dateparse import parse_datetime

from enrollment_errors.exceptions import CardRefused, ReplyIncomplete, ReplyNotJson
from enrollment_errors.processors.base import Processor
from enrollment_errors.processors.types import BASE_URL, CardForm, CardFormKind, FundingSource, Link, Option, OptionKind
from enrollment_errors.secret import Secret


class InlineProcessor(Processor):
    name = "inline"
    link_conflict_wordings = "already has a cardholder"
    account_options = (
        BASE_URL,
        Option(name="API_KEY", is_secret=True, help_text="The key of the API."),
        Option(name="PUBLIC_KEY", help_text="The gateway's key for card fields. Every rider's browser gets it."),
        Option(name="GATEWAY_URL", kind=OptionKind.URL, help_text="The host of the gateway's script and its fields."),
    )

    @classmethod
    def card_form(cls, options, asked):
        gateway = options["GATEWAY_URL"].rstrip("/")
        return CardForm(
            kind=CardFormKind.INLINE,
            adapter="inline/card_fields.js",
            script=f"{gateway}/fields.js",
            script_attributes={"data-key": options["PUBLIC_KEY"]},
            sources={"frame-src": [gateway]},
            needs_access=False,
        )

    def find_funding_source(self, card_token):
        query = {"BankingServiceToken": card_token}
        found = self.call("GET", "api/TransitAccounts", query=query, idempotent=True).json_items(
            "id", optional=("card",)
        )
        if not found:
            raise CardRefused(reason="no transit account")
        return FundingSource(id=found[0]["id"], last_digits=found[0]["card"])

    def link(self, funding_source, group_id, expires_at):
        self.tell("POST", funding_source, group_id, expires_at, idempotent=False)

    def find_link(self, funding_source, group_id):
        query = {"TransitAccountId": Secret(funding_source.id)}
        holders = self.call("GET", "api/Cardholders", query=query, idempotent=True)
        for holder in holders.json_items("fareCategory", optional=("validTo",)):
            if holder["fareCategory"] == group_id:
                return Link(group_id=group_id, expires_at=read_time(holder["validTo"]))
        return None

    def change_expiry(self, funding_source, group_id, expires_at):
        self.tell("PUT", funding_source, group_id, expires_at, idempotent=True)

    def tell(self, method, funding_source, group_id, expires_at, *, idempotent):
        holder = {
            "transitAccountId": Secret(funding_source.id),
            "fareCategory": group_id,
            "validTo": None if expires_at is None else expires_at.isoformat(),
        }
        response = self.call(method, "api/Cardholders", json=holder, idempotent=idempotent)
        if not response.is_empty and not response.is_json:
            raise ReplyNotJson("a gateway's page says nothing about what the processor did")

    def call(self, method, route, **more):
        return self.http.request(method, route, headers={"X-Api-Key": Secret(self.options["API_KEY"])}, **more)


def read_time(text):
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ReplyIncomplete("a time that cannot be read")
    return moment
