"""The tables of the platform (SQLAlchemy Core), the one description that migrations are tested against.

Three kinds of column, and a table says which it holds:

* **ledger-derived**: written by the projector alone, in the transaction that moves `checkpoint`. A rebuild from
  block 0 gives the same bytes. `LEDGER_TABLES` and `CONTRACT_LEDGER_COLUMNS` list them.
* **private**: never on the ledger; sealed columns hold `secrets.SecretBox` bytes.
* **own**: inputs and work in progress of this platform (board, outbox, leases). Backed up, never rebuilt.

What lies in a bucket has tables of its own: `objects.tables`.

Times are ms since the epoch (`_ms`), amounts minor units, digests "sha256:<hex>", hashes of the ledger raw bytes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from countermark.platform.store.schema import key as _key
from countermark.platform.store.schema import metadata as metadata
from countermark.platform.store.schema import one_row as _one_row

# --- Ledger-derived -----------------------------------------------------------------------------------------

checkpoint = Table(
    "checkpoint",
    metadata,
    *_one_row(),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
    comment="The last block applied; moves in the transaction that applies it.",
)

blocks = Table(
    "blocks",
    metadata,
    _key("number", BigInteger),
    Column("header_hash", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("transactions", Integer, nullable=False),
    comment="Every block applied; one delivered again must be the same one.",
)

transactions = Table(
    "transactions",
    metadata,
    _key("block", BigInteger),
    _key("position", Integer),
    Column("tx_id", Text, nullable=False),  # not unique: a replayed id is ordered too, and judged DUPLICATE_TXID
    Column("time_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("function", Text, nullable=False),
    Column("creator_msp", Text, nullable=False),
    Column("valid", Boolean, nullable=False),
    Column("code", Integer, nullable=False),
    Column("code_name", Text, nullable=False),
    Index("ix_transactions_tx_id", "tx_id"),
    comment="Every transaction of every block, valid or not.",
)

events = Table(
    "events",
    metadata,
    _key("seq", BigInteger),
    Column("block", BigInteger, nullable=False),
    Column("tx_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("parties", ARRAY(Text), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Index("ix_events_subject", "subject", "seq"),
    Index("ix_events_parties", "parties", postgresql_using="gin"),
    comment="Events of valid transactions; seq = block * 2^20 + position, rising with gaps.",
)

market_versions = Table(
    "market_versions",
    metadata,
    _key("version", Integer),
    Column("record", JSONB, nullable=False),
    Column("tx_id", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    comment="Every market configuration; the highest version holds.",
)

epoch = Table(
    "epoch",
    metadata,
    *_one_row(),
    Column("n", BigInteger, nullable=False),
    Column("ts_ms", BigInteger, nullable=False),
    Column("block", BigInteger, nullable=False),
    comment="The key `epoch`: after the next tick every envelope endorsed before is dead.",
)

intents = Table(
    "intents",
    metadata,
    _key("signer"),
    _key("nonce"),
    Column("digest", Text, nullable=False),
    Column("tx_id", Text, nullable=False),
    Column("record", JSONB, nullable=False),
    Column("block", BigInteger, nullable=False),
    comment="Used and burnt nonces, as on the ledger; never deleted.",
)

accounts = Table(
    "accounts",
    metadata,
    _key("address"),
    Column("state", Text, nullable=False),
    Column("record", JSONB, nullable=False),
    Column("created_tx", Text, nullable=False),
    Column("updated_block", BigInteger, nullable=False),
)

coins = Table(
    "coins",
    metadata,
    _key("id"),
    Column("owner", Text, nullable=False),  # an account's address, or `trade/{id}` while in escrow
    Column("amount", BigInteger, nullable=False),
    Column("created_tx", Text, nullable=False),
    Column("created_block", BigInteger, nullable=False),
    Column("spent_tx", Text),
    Column("spent_block", BigInteger),
    CheckConstraint("amount > 0", name="amount_positive"),
    Index("ix_coins_unspent", "owner", "amount", postgresql_where=text("spent_tx IS NULL")),
    comment="Every coin that ever was; unspent while spent_tx is null.",
)

deposits = Table(
    "deposits",
    metadata,
    _key("issuer"),
    _key("reference"),
    Column("owner", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("tx_id", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    comment="Deposits against which coins were minted; a reference is used once.",
)

redemptions = Table(
    "redemptions",
    metadata,
    _key("id"),
    Column("owner", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("deadline_ms", BigInteger),  # null when the state is final
    Column("record", JSONB, nullable=False),
    Column("created_tx", Text, nullable=False),
    Column("updated_block", BigInteger, nullable=False),
    Index("ix_redemptions_due", "deadline_ms", postgresql_where=text("deadline_ms IS NOT NULL")),
    comment="Coins locked to an issuer until he burns them or a deadline returns them.",
)

trades = Table(
    "trades",
    metadata,
    _key("id"),
    Column("listing", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("buyer", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("deadline_ms", BigInteger),  # null when the state is final
    Column("price", BigInteger, nullable=False),
    Column("record", JSONB, nullable=False),
    Column("created_tx", Text, nullable=False),
    Column("created_block", BigInteger, nullable=False),
    Column("updated_tx", Text, nullable=False),
    Column("updated_block", BigInteger, nullable=False),
    Index("ix_trades_listing", "listing"),
    Index("ix_trades_state", "state"),
    Index("ix_trades_seller", "seller", "created_block"),
    Index("ix_trades_buyer", "buyer", "created_block"),
    Index("ix_trades_due", "deadline_ms", postgresql_where=text("deadline_ms IS NOT NULL")),
)

claims = Table(
    "claims",
    metadata,
    _key("id"),
    Column("listing", Text, nullable=False),
    Column("claimant", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("decider", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("deadline_ms", BigInteger),  # null when the state is final
    Column("record", JSONB, nullable=False),
    Column("created_tx", Text, nullable=False),
    Column("created_block", BigInteger, nullable=False),
    Column("updated_tx", Text, nullable=False),
    Column("updated_block", BigInteger, nullable=False),
    Index("ix_claims_listing", "listing"),
    Index("ix_claims_claimant", "claimant", "created_block"),
    Index("ix_claims_owner", "owner", "created_block"),
    Index("ix_claims_decider", "decider", "created_block"),
    Index("ix_claims_due", "deadline_ms", postgresql_where=text("deadline_ms IS NOT NULL")),
    comment="Claims of ownership.",
)

anchors = Table(
    "anchors",
    metadata,
    _key("size", BigInteger),
    Column("root", Text, nullable=False),
    Column("tx_id", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("block", BigInteger, nullable=False),
    comment="Anchors of the board on the ledger: RFC 6962 size and root.",
)

# --- The data-contract table: ledger-derived and private columns of one contract ----------------------------

data_contracts = Table(
    "data_contracts",
    metadata,
    _key("address"),
    # Ledger-derived; all null until `listing.create` has committed (the gate's row comes first).
    Column("seller", Text),
    Column("owner", Text),
    Column("state", Text),
    Column("price", BigInteger),
    Column("items", Integer),
    Column("generator", Text),
    Column("claimed", Boolean),
    Column("trade", Text),
    Column("deadline_ms", BigInteger),
    Column("created_ms", BigInteger),
    Column("record", JSONB),
    Column("created_tx", Text),
    Column("created_block", BigInteger),
    Column("updated_tx", Text),
    Column("updated_block", BigInteger),
    # Private: written once by the gate, before the contract exists; null once the ledger has purged the opening.
    Column("description", LargeBinary),  # sealed canonical JSON
    Column("salt_d", LargeBinary),  # sealed 32 bytes
    Column("fingerprint", LargeBinary),  # sealed opening: root, salts, exact digest
    Column("fingerprint_root", LargeBinary),
    Column("search_text", Text),  # lower-case words of the description; null until the contract was first LISTED
    Column("registered_ms", BigInteger),
    Index("ix_data_contracts_state", "state", "created_block", "address"),
    Index("ix_data_contracts_owner", "owner"),
    Index("ix_data_contracts_seller", "seller"),
    Index("ix_data_contracts_root", "fingerprint_root"),
    Index("ix_data_contracts_due", "deadline_ms", postgresql_where=text("deadline_ms IS NOT NULL")),
    Index(
        "ix_data_contracts_unpublished",
        "address",
        postgresql_where=text("search_text IS NULL AND description IS NOT NULL"),
    ),
    Index("ix_data_contracts_erased", "address", postgresql_where=text("(record ->> 'erased') = 'true'")),
    comment="One row for each contract that ever was; never deleted (paper, II.B).",
)

CONTRACT_LEDGER_COLUMNS = (
    "seller",
    "owner",
    "state",
    "price",
    "items",
    "generator",
    "claimed",
    "trade",
    "deadline_ms",
    "created_ms",
    "record",
    "created_tx",
    "created_block",
    "updated_tx",
    "updated_block",
)

LEDGER_TABLES = (
    checkpoint,
    blocks,
    transactions,
    events,
    market_versions,
    epoch,
    intents,
    accounts,
    coins,
    deposits,
    redemptions,
    trades,
    claims,
    anchors,
)
"""Tables that hold ledger-derived columns only: a rebuild empties them."""

# --- Private ------------------------------------------------------------------------------------------------

item_fingerprints = Table(
    "item_fingerprints",
    metadata,
    _key("address"),
    _key("item", Integer),
    _key("generator"),
    # Drawn under the gate's lock, so whoever has seen n has seen everything below it.
    Column("seq", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("segments", LargeBinary, nullable=False),  # sealed canonical fingerprint of the item
    comment="Fingerprint of every item of every registered contract, what the gate compares with.",
)

registrations = Table(
    "registrations",
    metadata,
    _key("case_number"),
    Column("seller", Text, nullable=False),
    Column("nonce", Text, nullable=False),  # that of the intent; its retry finds this decision
    Column("intent_digest", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("decision", Text, nullable=False),  # accepted, or an error code of the gate
    Column("overlaps", JSONB, nullable=False),
    Column("matched", LargeBinary),  # sealed: what it matched, how much of it; the seller never learns it
    Column("existing", Text, nullable=False),  # the seller's own contract that a refusal names, or empty
    Column("generator", Text, nullable=False),
    Column("config", Text, nullable=False),  # ids of the weights and thresholds that decided
    Column("fingerprint_root", LargeBinary, nullable=False),  # empty once the contract's opening was purged
    Column("exact_key", Text, nullable=False),  # HMAC of the exact digest under the platform's own pepper
    Column("decided_ms", BigInteger, nullable=False),
    Column("request_id", Text),  # outbox request of `listing.create`
    Column("resolution", Text),  # of a case under review: approved or rejected, by whom the platform appointed
    Column("failure", Text),  # code with which the ledger refused what the gate had accepted
    Column("deposited_ms", BigInteger),  # the items lie sealed for the supervisor in the object store since
    Column("of_others", Integer, nullable=False, server_default=text("0")),  # how many of its items are others'
    Column("erased_ms", BigInteger),  # since when nothing of a purged opening is left outside the tables either
    Index("ux_registrations_intent", "seller", "nonce", unique=True),
    Index("ix_registrations_address", "address"),
    Index("ix_registrations_exact", "exact_key"),
    Index("ix_registrations_root", "seller", "fingerprint_root"),
    Index(
        "ix_registrations_open",
        "address",
        postgresql_where=text("decision = 'allowed' AND failure IS NULL AND deposited_ms IS NULL"),
    ),
    comment="Every decision of the gate, refusals too (A-31).",
)

probes = Table(
    "probes",
    metadata,
    _key("id"),
    Column("account", Text, nullable=False),
    Column("sponsor", Text, nullable=False),  # MSP id, or empty
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # application, search or trace
    Column("degree", Text, nullable=False),  # match, review, close, linked or near
    Column("registration", LargeBinary, nullable=False),  # HMAC of the address under a key of the platform's
    Column("finding", LargeBinary, nullable=False),  # sealed: which registration, whose, its score, what was decided
    Column("samples", LargeBinary, nullable=False),  # sealed: the fingerprints that came so near
    Index("ix_probes_account", "account", "at_ms"),
    Index("ix_probes_sponsor", "sponsor", "at_ms"),
    Index("ix_probes_registration", "registration", "at_ms"),
    Index("ix_probes_at", "at_ms"),
    comment="Attempts that came near somebody else's registration, for the supervisor (A-31).",
)

search_payments = Table(
    "search_payments",
    metadata,
    _key("tx_id"),
    Column("account", Text, nullable=False),
    Column("purpose", Text, nullable=False),  # digest of the inquiry that it paid for
    Column("used_ms", BigInteger, nullable=False),
    comment="Transfers that have paid for an inquiry; each counts once, so none is ever deleted.",
)

# --- Board --------------------------------------------------------------------------------------------------

board = Table(
    "board",
    metadata,
    _key("seq", BigInteger),  # 0, 1, 2, …: gapless, the leaf's index
    Column("kind", Text, nullable=False),
    Column("trade", Text, nullable=False),
    Column("signer", Text, nullable=False),
    Column(
        "digest", Text, nullable=False
    ),  # of the notice's payload, as `trade.send`, `trade.remedy` or `trade.ack` names it
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),  # sealed notice
    Column("received_at_ms", BigInteger, nullable=False),
    Column("anchored_by_ms", BigInteger, nullable=False),
    Column("receipt", Text, nullable=False),
    Index("ux_board_notice", "trade", "signer", "digest", unique=True),
    comment="The send-receive board (paper, II.B): append-only, an RFC 6962 tree over leaf_hash.",
)

board_head = Table(
    "board_head",
    metadata,
    *_one_row(),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    comment="The tree's right edge, locked by whoever appends.",
)

board_nodes = Table(
    "board_nodes",
    metadata,
    _key("level", SmallInteger),  # 1, 2, …: it stands over 2^level leaves
    _key("position", BigInteger),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("level BETWEEN 1 AND 40 AND position BETWEEN 0 AND 1099511627776", name="in_a_tree"),
    comment="Roots of complete subtrees of the board's tree: they follow from leaf_hash, and make proofs quick.",
)

# --- Work in progress ---------------------------------------------------------------------------------------

outbox = Table(
    "outbox",
    metadata,
    _key("tx_id"),
    Column("request_id", Text, nullable=False),  # our own id of what was asked: the same over all attempts
    Column("attempt", Integer, nullable=False),
    Column("superseded_by", Text, ForeignKey("outbox.tx_id", deferrable=True, initially="DEFERRED")),
    Column("function", Text, nullable=False),
    Column("args", ARRAY(LargeBinary), nullable=False),
    Column("transient", LargeBinary),  # sealed
    Column("organisations", ARRAY(Text), nullable=False),
    Column("spend_owner", Text),  # whose coins pay; they are chosen anew for each attempt
    Column("spend_amount", BigInteger),
    Column("state", Text, nullable=False),
    Column("envelope", LargeBinary),  # signed, as handed to the orderer; holds no transient data
    Column("result", LargeBinary),
    Column("block_number", BigInteger),
    Column("validation_code", Integer),
    Column("error_code", Text),
    Column("error_detail", Text),
    Column("signer", Text),
    Column("nonce", Text),
    Column("intent_digest", Text),
    Column("expires_ms", BigInteger),  # of the intent: no new attempt after it
    Column("lease_holder", Text),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),  # in vain, of this attempt: how long it rests
    CheckConstraint(
        "state IN ('NEW', 'ENDORSED', 'SUBMITTED', 'COMMITTED', 'INVALID', 'REFUSED')", name="state_known"
    ),
    Index("ux_outbox_attempt", "request_id", "attempt", unique=True),
    Index("ix_outbox_function", "function", "created_ms"),
    Index(
        "ux_outbox_intent",
        "signer",
        "nonce",
        unique=True,
        postgresql_where=text("superseded_by IS NULL AND nonce IS NOT NULL"),
    ),
    Index(
        "ix_outbox_open",
        "lease_until_ms",
        postgresql_where=text("state IN ('NEW', 'ENDORSED', 'SUBMITTED')"),
    ),
    comment="Transactions of this gateway; a row is durable before its envelope leaves.",
)

coin_reservations = Table(
    "coin_reservations",
    metadata,
    _key("coin"),
    Column("owner", Text, nullable=False),
    Column("holder", Text, nullable=False),  # the outbox request that will spend it
    Column("until_ms", BigInteger, nullable=False),
    Index("ix_coin_reservations_owner", "owner"),
    Index("ix_coin_reservations_holder", "holder"),
    comment="Coins picked for a payment under way, so that one buyer's parallel payments never meet.",
)

packages = Table(
    "packages",
    metadata,
    _key("trade"),  # and `delivery`, the last column
    Column("object_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", Text),  # measured; null until complete
    Column("state", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("completed_ms", BigInteger),
    Column("released_ms", BigInteger),
    Column("delete_after_ms", BigInteger),
    _key("delivery"),
    CheckConstraint("delivery IN ('first', 'remedy')", name="delivery_known"),
    CheckConstraint("state IN ('UPLOADING', 'COMPLETE', 'RELEASED', 'DELETED')", name="state_known"),
    comment="Encrypted packages in transit (15): the first of a trade, and in a dispute its remedy.",
)

claim_papers = Table(
    "claim_papers",
    metadata,
    _key("claim"),
    Column("stored_ms", BigInteger, nullable=False),  # when a side last handed in evidence
    Column("deleted_ms", BigInteger),
    Index("ix_claim_papers_kept", "stored_ms", postgresql_where=text("deleted_ms IS NULL")),
    comment="Claims whose sealed evidence lies in the object store.",
)

fingerprint_parts = Table(
    "fingerprint_parts",
    metadata,
    _key("account"),
    _key("digest"),  # of the sealed message
    Column("size", BigInteger, nullable=False),
    Column("stored", Boolean, nullable=False),  # whether its object is whole
    Column("sent_ms", BigInteger, nullable=False),  # last; 0 once an application has taken it
    Index("ix_fingerprint_parts_sent", "sent_ms"),
    comment="Sealed item fingerprints that wait for their application.",
)

leases = Table(
    "leases",
    metadata,
    _key("name"),
    Column("holder", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    comment="One holder at a time for each job.",
)

webhooks = Table(
    "webhooks",
    metadata,
    _key("id"),
    Column("account", Text, nullable=False),
    Column("url", LargeBinary, nullable=False),  # sealed: it may hold the receiver's own secret
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),  # number of the last event that was taken
    Column("news", BigInteger, nullable=False),  # number of the last event that concerns the account
    Column("failures", Integer, nullable=False),  # of the next event, in a row
    Column("last_error", Text, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
    Column("lease_holder", Text),
    Column("lease_until_ms", BigInteger, nullable=False),
    CheckConstraint("state IN ('ACTIVE', 'DISABLED')", name="state_known"),
    Index("ix_webhooks_account", "account", "created_ms", "id"),
    Index("ix_webhooks_due", "due_ms", postgresql_where=text("state = 'ACTIVE' AND news > position")),
    comment="Where accounts want to be told of their events, and how far each was told.",
)

quotas = Table(
    "quotas",
    metadata,
    _key("account"),
    _key("kind"),
    _key("window_ms", BigInteger),
    Column("used", Integer, nullable=False),
    comment="What was used of each limit in each window.",
)

request_nonces = Table(
    "request_nonces",
    metadata,
    _key("account"),
    _key("nonce"),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_request_nonces_expires", "expires_ms"),
    comment="Nonces of signed reads (RFC 9421) seen, until their signatures expire.",
)
