"""The closed list of failpoints: moments between two effects, where a crash leaves one without the other."""

from enum import StrEnum


class Point(StrEnum):
    """A moment of a process; the text says what has happened, and the comment what has not."""

    REQUEST_SAVED = "outbox.request.saved"  # the row is committed and is driven; nothing was proposed
    ENVELOPE_SAVED = "outbox.envelope.saved"  # the signed envelope is durable; no orderer has seen it
    ENVELOPE_HANDED_OVER = "outbox.envelope.handed_over"  # an orderer has it; the row does not say so
    OUTCOME_LEARNT = "outbox.outcome.learnt"  # the commit status is known; the row is open
    ANSWER_READY = "gateway.answer.ready"  # what came of the act is known; the trader has no answer

    BLOCK_APPLIED = "projector.block.applied"  # tables and checkpoint are written; not committed
    BLOCK_PROJECTED = "projector.block.projected"  # committed; nobody has acted on it

    BYTES_STORED = "upload.bytes.stored"  # the object store has all bytes; the object is not sealed
    OBJECT_SEALED = "upload.object.sealed"  # sealed and durable; the row says that it still grows
    ENTRY_APPENDED = "board.entry.appended"  # the board's table and tree have the entry; not committed
    JOB_LEASED = "worker.job.leased"  # a job is leased and has found work; nothing of it is done

    PROPOSAL_SIMULATED = "peer.proposal.simulated"  # endorsed; the client has no answer
    ENVELOPE_QUEUED = "peer.envelope.queued"  # taken by the orderer; in no block
    SUBMIT_ANSWERED = "peer.submit.answered"  # in the queue; the client has no answer
    BLOCK_WRITTEN = "peer.block.written"  # the block is durable; the state is that of the block before
    BLOCK_COMMITTED = "peer.block.committed"  # the state follows; nobody was told
    STATUS_KNOWN = "peer.status.known"  # the commit status is known; the client has no answer

    TRANSACTION_TAKEN = "chaincode.transaction.taken"  # the invocation has arrived; nothing was read
    TRANSACTION_DONE = "chaincode.transaction.done"  # the result is ready; the peer has no answer
