package io.idem.redis.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.redis.AsyncRedisPort;
import io.idem.redis.RedisPort;
import io.idem.redis.RedisReplyException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims, by the cheapest way that the servers have. Thread-safe.
 *
 * <ol>
 *   <li>Where all servers are known to be 7.0 or later, a plain SET writes the record if there is
 *       none and otherwise answers what is there. A new key and a completed one are done with that.
 *   <li>What the command leaves open is for the script, and so is everything on other servers: a
 *       run of somebody else, whose lease the server's clock measures, a take-over, the mark of who
 *       waits, a value that is no record, a server that refuses to write.
 * </ol>
 */
public final class Claims {

  private static final Logger log = LoggerFactory.getLogger("io.idem.redis");

  private final RedisPort port;
  private final Steps steps;
  private volatile boolean known;
  private volatile boolean refused;

  /** Claims by script, until more is known of the servers. */
  public Claims(RedisPort port, Steps steps) {
    this.port = port;
    this.steps = steps;
  }

  /** Says whether all servers are known to take SET with both NX and GET. */
  public void serversTakePlainClaims(boolean known) {
    this.known = known;
  }

  /**
   * Claims a key.
   *
   * @param mayWait whether the caller wants to be woken if somebody else runs
   */
  public Claim claim(ClaimRequest request, boolean mayWait) {
    if (known && !refused) {
      Claim claim = Replies.claimed(request, plain(request));
      if (claim != null) {
        return claim;
      }
    }
    return Replies.claim(request, steps.claim(request, mayWait).run(port));
  }

  /** As {@link #claim}, without waiting. */
  public CompletionStage<Claim> claimAsync(
      AsyncRedisPort async, ClaimRequest request, boolean mayWait) {
    if (!known || refused) {
      return byScript(async, request, mayWait);
    }
    return Step.reply(async.executeAsync(steps.setIfAbsent(request)))
        .thenCompose(
            reply -> {
              Claim claim =
                  Replies.claimed(
                      request, reply instanceof RedisReplyException e ? noted(e) : reply);
              return claim != null
                  ? CompletableFuture.completedFuture(claim)
                  : byScript(async, request, mayWait);
            });
  }

  private CompletionStage<Claim> byScript(
      AsyncRedisPort async, ClaimRequest request, boolean mayWait) {
    return steps
        .claim(request, mayWait)
        .runAsync(async)
        .thenApply(reply -> Replies.claim(request, reply));
  }

  private @Nullable Object plain(ClaimRequest request) {
    try {
      return port.execute(steps.setIfAbsent(request));
    } catch (RedisReplyException e) {
      return noted(e);
    }
  }

  /** Claims keys that differ, all at once, and those that are left open once more. */
  public List<Claim> claimAll(List<ClaimRequest> requests) {
    if (!known || refused || requests.isEmpty()) {
      return byScript(requests);
    }
    List<@Nullable Object> replies =
        port.executeAll(requests.stream().map(steps::setIfAbsent).toList());
    List<@Nullable Claim> claims = new ArrayList<>(requests.size());
    List<ClaimRequest> open = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      Object reply = replies.get(i);
      Claim claim =
          Replies.claimed(
              requests.get(i), reply instanceof RedisReplyException e ? noted(e) : reply);
      if (claim == null) {
        open.add(requests.get(i));
      }
      claims.add(claim);
    }
    Iterator<Claim> late = byScript(open).iterator();
    return claims.stream().map(claim -> claim == null ? late.next() : claim).toList();
  }

  private List<Claim> byScript(List<ClaimRequest> requests) {
    if (requests.isEmpty()) {
      return List.of();
    }
    List<@Nullable Object> replies =
        Step.runAll(port, requests.stream().map(request -> steps.claim(request, false)).toList());
    return IntStream.range(0, requests.size())
        .mapToObj(i -> Replies.claim(requests.get(i), replies.get(i)))
        .toList();
  }

  /** A form of the command that is refused once will be refused again. */
  private RedisReplyException noted(RedisReplyException e) {
    if (e.is("ERR") && !refused) {
      refused = true;
      log.info(
          "Redis refuses SET with NX and GET, so keys are claimed by script from now on: {}",
          e.getMessage());
    }
    return e;
  }
}
