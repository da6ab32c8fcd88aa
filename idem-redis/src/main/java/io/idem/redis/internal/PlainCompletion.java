package io.idem.redis.internal;

import io.idem.core.store.Completion;
import io.idem.core.store.LeaseCheck;
import io.idem.redis.RedisCommand;
import org.jspecify.annotations.Nullable;

/**
 * A completion as a plain SET that compares the whole record with the one the claim wrote. A
 * renewal moves the key's expiry only, so an owner's record stays as it was until somebody marks
 * it, takes it over or deletes it. What is not equal is for the script, which tells those apart,
 * and publishes.
 */
final class PlainCompletion implements Step<LeaseCheck> {

  private final Steps steps;
  private final Completion completion;
  private final byte[] running;

  PlainCompletion(Steps steps, Completion completion, byte[] running) {
    this.steps = steps;
    this.completion = completion;
    this.running = running;
  }

  @Override
  public RedisCommand command() {
    return steps.setIfEqual(completion, running);
  }

  @Override
  public @Nullable LeaseCheck read(@Nullable Object reply) {
    steps.plainCompletions.noteRefusal(reply);
    if (!Replies.isOk(reply)) {
      return null;
    }
    steps.completed(completion.lease().id());
    return LeaseCheck.HELD;
  }

  @Override
  public Step<LeaseCheck> next() {
    return steps.completeByScript(completion);
  }
}
