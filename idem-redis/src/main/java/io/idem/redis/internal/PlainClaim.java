package io.idem.redis.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.redis.RedisCommand;
import org.jspecify.annotations.Nullable;

/**
 * A claim as a plain SET, which writes the record if there is none and otherwise answers what is
 * there. That decides a new key and a completed one. What it leaves open is for the script, under
 * the same token: a run of somebody else, whose lease the server's clock measures, a take-over, the
 * mark of who waits, a value that is no record, a server that refuses to write.
 */
final class PlainClaim implements Step<Claim> {

  private final Steps steps;
  private final ClaimRequest request;
  private final boolean mayWait;
  private final byte[] record;

  PlainClaim(Steps steps, ClaimRequest request, boolean mayWait) {
    this.steps = steps;
    this.request = request;
    this.mayWait = mayWait;
    this.record = steps.firstRecord(request);
  }

  @Override
  public RedisCommand command() {
    return steps.setIfAbsent(request, record);
  }

  @Override
  public @Nullable Claim read(@Nullable Object reply) {
    steps.plainClaims.noteRefusal(reply);
    Claim claim = Replies.claimed(request, reply);
    if (claim instanceof Claim.Acquired) {
      steps.acquired(request.token(), record);
    } else if (claim instanceof Claim.Completed) {
      steps.completed(request.id());
    }
    return claim;
  }

  @Override
  public Step<Claim> next() {
    return steps.claimByScript(request, mayWait);
  }
}
