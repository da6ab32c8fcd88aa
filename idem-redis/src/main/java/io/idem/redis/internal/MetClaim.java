package io.idem.redis.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.redis.RedisCommand;
import org.jspecify.annotations.Nullable;

/**
 * A claim of a record that was lately met with an outcome: it is read, by a command that is less
 * than half as long as the one that would write. If the outcome is not there any more, the claim
 * begins anew.
 */
final class MetClaim implements Step<Claim> {

  private final Steps steps;
  private final ClaimRequest request;
  private final boolean mayWait;

  MetClaim(Steps steps, ClaimRequest request, boolean mayWait) {
    this.steps = steps;
    this.request = request;
    this.mayWait = mayWait;
  }

  @Override
  public RedisCommand command() {
    return steps.get(request.id());
  }

  @Override
  public @Nullable Claim read(@Nullable Object reply) {
    return Replies.claimed(request, reply) instanceof Claim.Completed completed ? completed : null;
  }

  @Override
  public Step<Claim> next() {
    return steps.claimUnmet(request, mayWait);
  }
}
