package io.idem.core.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a store can do besides the four verbs, and what is done where it cannot. */
public final class Capabilities {

  private Capabilities() {}

  /**
   * A capability of an object that the engine was given.
   *
   * <p>What the object itself implements goes first: it may be a proxy that answers {@code
   * capability} with what it stands for, and would be passed by.
   */
  public static <C> Optional<C> of(@Nullable Object store, Class<C> type) {
    if (type.isInstance(store)) {
      return Optional.of(type.cast(store));
    }
    return store instanceof IdempotencyStore other ? other.capability(type) : Optional.empty();
  }

  /**
   * Claims many keys of a store that takes them one by one.
   *
   * @throws StoreUnavailableException if one of the calls failed; each of the claims may or may not
   *     hold
   * @throws StoreNotAskedException if the first was held back; none of them holds
   */
  public static List<Claim> claimOneByOne(IdempotencyStore store, List<ClaimRequest> requests) {
    List<Claim> claims = new ArrayList<>(requests.size());
    for (ClaimRequest request : requests) {
      try {
        claims.add(store.claim(request));
      } catch (StoreNotAskedException e) {
        if (claims.isEmpty()) {
          throw e;
        }
        throw new StoreUnavailableException(
            "The store stopped being asked in the middle of a batch", e);
      }
    }
    return claims;
  }
}
