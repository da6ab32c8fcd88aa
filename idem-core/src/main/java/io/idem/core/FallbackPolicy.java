package io.idem.core;

/** What a {@link FailoverStore} does with a claim while its fallback store cannot answer. */
public enum FallbackPolicy {
  /**
   * The claim is refused. The fallback decides about every key, so a key has one owner whatever
   * each node sees of an outage.
   */
  REQUIRED,
  /**
   * The primary store decides alone. The application outlives the outage of either store; in
   * exchange, a key has one owner only while no two outages contradict each other: no node reaches
   * only one of the stores while another node reaches only the other, and one store's outage does
   * not follow the other's before leases have run out and owed outcomes have been settled.
   */
  OPTIONAL
}
