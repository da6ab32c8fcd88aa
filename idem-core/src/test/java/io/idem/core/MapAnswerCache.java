package io.idem.core;

import io.idem.core.store.AnswerCache;
import io.idem.core.store.Claim;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Keeps everything, and how long it was told to. */
final class MapAnswerCache implements AnswerCache {

  final Map<RecordId, Claim.Completed> answers = new ConcurrentHashMap<>();
  final List<Duration> times = new ArrayList<>();

  @Override
  public Claim.Completed get(RecordId id) {
    return answers.get(id);
  }

  @Override
  public synchronized void put(RecordId id, Claim.Completed answer, Duration keepFor) {
    answers.put(id, answer);
    times.add(keepFor);
  }
}
