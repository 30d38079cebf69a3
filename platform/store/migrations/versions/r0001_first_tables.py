"""All tables of the first release, as tables.py had them then."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_tx", sa.Text(), nullable=False),
        sa.Column("updated_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_accounts")),
    )
    op.create_table(
        "anchors",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("tx_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_anchors")),
        comment="Anchors of the board on the ledger: RFC 6962 size and root.",
    )
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("header_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("transactions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_blocks")),
        comment="Every block applied; one delivered again must be the same one.",
    )
    op.create_table(
        "board",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("anchored_by_ms", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_board")),
        comment="The send-receive board (paper, II.B): append-only, an RFC 6962 tree over leaf_hash.",
    )
    op.create_index("ux_board_notice", "board", ["trade", "signer", "digest"], unique=True)
    op.create_table(
        "board_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_board_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_head")),
        comment="The tree's right edge, locked by whoever appends.",
    )
    op.create_table(
        "checkpoint",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_checkpoint_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint")),
        comment="The last block applied; moves in the transaction that applies it.",
    )
    op.create_table(
        "coin_reservations",
        sa.Column("coin", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("coin", name=op.f("pk_coin_reservations")),
        comment="Coins picked for a payment under way, so that one buyer's parallel payments never meet.",
    )
    op.create_index("ix_coin_reservations_holder", "coin_reservations", ["holder"], unique=False)
    op.create_index("ix_coin_reservations_owner", "coin_reservations", ["owner"], unique=False)
    op.create_table(
        "coins",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("created_tx", sa.Text(), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("spent_tx", sa.Text(), nullable=True),
        sa.Column("spent_block", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_coins_amount_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coins")),
        comment="Every coin that ever was; unspent while spent_tx is null.",
    )
    op.create_index(
        "ix_coins_unspent", "coins", ["owner", "amount"], unique=False, postgresql_where=sa.text("spent_tx IS NULL")
    )
    op.create_table(
        "data_contracts",
        sa.Column("address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("seller", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=True),
        sa.Column("generator", sa.Text(), nullable=True),
        sa.Column("claimed", sa.Boolean(), nullable=True),
        sa.Column("trade", sa.Text(), nullable=True),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_tx", sa.Text(), nullable=True),
        sa.Column("created_block", sa.BigInteger(), nullable=True),
        sa.Column("updated_tx", sa.Text(), nullable=True),
        sa.Column("updated_block", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.LargeBinary(), nullable=True),
        sa.Column("salt_d", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint_root", sa.LargeBinary(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=True),
        sa.Column("registered_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_data_contracts")),
        comment="One row for each contract that ever was; never deleted (paper, II.B).",
    )
    op.create_index(
        "ix_data_contracts_due",
        "data_contracts",
        ["deadline_ms"],
        unique=False,
        postgresql_where=sa.text("deadline_ms IS NOT NULL"),
    )
    op.create_index("ix_data_contracts_owner", "data_contracts", ["owner"], unique=False)
    op.create_index("ix_data_contracts_root", "data_contracts", ["fingerprint_root"], unique=False)
    op.create_index("ix_data_contracts_seller", "data_contracts", ["seller"], unique=False)
    op.create_index("ix_data_contracts_state", "data_contracts", ["state", "created_block", "address"], unique=False)
    op.create_table(
        "deposits",
        sa.Column("issuer", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tx_id", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "reference", name=op.f("pk_deposits")),
        comment="Deposits against which coins were minted; a reference is used once.",
    )
    op.create_table(
        "epoch",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_epoch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epoch")),
        comment="The key `epoch`: after the next tick every envelope endorsed before is dead.",
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("tx_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parties", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        comment="Events of valid transactions; seq = block * 2^20 + position, rising with gaps.",
    )
    op.create_index("ix_events_parties", "events", ["parties"], unique=False, postgresql_using="gin")
    op.create_index("ix_events_subject", "events", ["subject", "seq"], unique=False)
    op.create_table(
        "intents",
        sa.Column("signer", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("nonce", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tx_id", sa.Text(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signer", "nonce", name=op.f("pk_intents")),
        comment="Used and burnt nonces, as on the ledger; never deleted.",
    )
    op.create_table(
        "item_fingerprints",
        sa.Column("address", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generator", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("segments", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("address", "item", "generator", name=op.f("pk_item_fingerprints")),
        sa.UniqueConstraint("seq", name=op.f("uq_item_fingerprints_seq")),
        comment="Fingerprint of every item of every registered contract, what the gate compares with.",
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        comment="One holder at a time for each job; fence rises with every change of holder.",
    )
    op.create_table(
        "market_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tx_id", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_market_versions")),
        comment="Every market configuration; the highest version holds.",
    )
    op.create_table(
        "outbox",
        sa.Column("tx_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("args", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("transient", sa.LargeBinary(), nullable=True),
        sa.Column("organisations", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("spend_owner", sa.Text(), nullable=True),
        sa.Column("spend_amount", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("validation_code", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("intent_digest", sa.Text(), nullable=True),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("lease_holder", sa.Text(), nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('NEW', 'ENDORSED', 'SUBMITTED', 'COMMITTED', 'INVALID', 'REFUSED')",
            name=op.f("ck_outbox_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by"],
            ["outbox.tx_id"],
            name=op.f("fk_outbox_superseded_by"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tx_id", name=op.f("pk_outbox")),
        comment="Transactions of this gateway; a row is durable before its envelope leaves.",
    )
    op.create_index("ix_outbox_function", "outbox", ["function", "created_ms"], unique=False)
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["lease_until_ms"],
        unique=False,
        postgresql_where=sa.text("state IN ('NEW', 'ENDORSED', 'SUBMITTED')"),
    )
    op.create_index("ux_outbox_attempt", "outbox", ["request_id", "attempt"], unique=True)
    op.create_index(
        "ux_outbox_intent",
        "outbox",
        ["signer", "nonce"],
        unique=True,
        postgresql_where=sa.text("superseded_by IS NULL AND nonce IS NOT NULL"),
    )
    op.create_table(
        "packages",
        sa.Column("trade", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("completed_ms", sa.BigInteger(), nullable=True),
        sa.Column("released_ms", sa.BigInteger(), nullable=True),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=True),
        sa.Column("delete_after_ms", sa.BigInteger(), nullable=True),
        sa.Column("legal_hold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "state IN ('UPLOADING', 'COMPLETE', 'RELEASED', 'DELETED')", name=op.f("ck_packages_state_known")
        ),
        sa.CheckConstraint("received BETWEEN 0 AND size", name=op.f("ck_packages_received_within")),
        sa.PrimaryKeyConstraint("trade", name=op.f("pk_packages")),
        comment="Encrypted packages in transit (15).",
    )
    op.create_table(
        "quotas",
        sa.Column("account", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("window_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "kind", "window_ms", name=op.f("pk_quotas")),
        comment="Searches and refused listings per account and window (A-31).",
    )
    op.create_table(
        "redemptions",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_tx", sa.Text(), nullable=False),
        sa.Column("updated_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemptions")),
        comment="Coins locked to an issuer until he burns them or a deadline returns them.",
    )
    op.create_index(
        "ix_redemptions_due",
        "redemptions",
        ["deadline_ms"],
        unique=False,
        postgresql_where=sa.text("deadline_ms IS NOT NULL"),
    )
    op.create_table(
        "registrations",
        sa.Column("case_number", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("intent_digest", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("overlaps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("matched", sa.LargeBinary(), nullable=True),
        sa.Column("existing", sa.Text(), nullable=False),
        sa.Column("generator", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("fingerprint_root", sa.LargeBinary(), nullable=False),
        sa.Column("exact_key", sa.Text(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("deposited_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("case_number", name=op.f("pk_registrations")),
        comment="Every decision of the gate, refusals too (A-31).",
    )
    op.create_index("ix_registrations_address", "registrations", ["address"], unique=False)
    op.create_index("ix_registrations_exact", "registrations", ["exact_key"], unique=False)
    op.create_index("ix_registrations_root", "registrations", ["seller", "fingerprint_root"], unique=False)
    op.create_index("ux_registrations_intent", "registrations", ["seller", "nonce"], unique=True)
    op.create_table(
        "request_nonces",
        sa.Column("account", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("nonce", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "nonce", name=op.f("pk_request_nonces")),
        comment="Nonces of signed reads (RFC 9421) seen, until their signatures expire.",
    )
    op.create_index("ix_request_nonces_expires", "request_nonces", ["expires_ms"], unique=False)
    op.create_table(
        "trades",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("buyer", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_tx", sa.Text(), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("updated_tx", sa.Text(), nullable=False),
        sa.Column("updated_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trades")),
    )
    op.create_index("ix_trades_buyer", "trades", ["buyer", "created_block"], unique=False)
    op.create_index(
        "ix_trades_due", "trades", ["deadline_ms"], unique=False, postgresql_where=sa.text("deadline_ms IS NOT NULL")
    )
    op.create_index("ix_trades_listing", "trades", ["listing"], unique=False)
    op.create_index("ix_trades_seller", "trades", ["seller", "created_block"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tx_id", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("creator_msp", sa.Text(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("code_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("block", "position", name=op.f("pk_transactions")),
        comment="Every transaction of every block, valid or not.",
    )
    op.create_index("ix_transactions_tx_id", "transactions", ["tx_id"], unique=False)
