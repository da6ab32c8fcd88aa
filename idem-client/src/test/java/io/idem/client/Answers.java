package io.idem.client;

import java.util.function.Function;

/** Answers of one library's responses as those of another type. */
final class Answers {

  private Answers() {}

  static <A, B> CallAnswer<B> map(CallAnswer<A> answer, Function<A, B> response) {
    return answer.fold(
        ran -> new CallAnswer.Ran<>(response.apply(ran.response())),
        replayed -> new CallAnswer.Replayed<>(response.apply(replayed.response())),
        lost -> new CallAnswer.ResultNotStored<>(lost.answer()),
        busy -> new CallAnswer.Busy<>(busy.answer(), busy.retryAfter()),
        refused -> new CallAnswer.Refused<>(refused.answer(), refused.replayed()),
        unknown -> new CallAnswer.Unknown<>(unknown.key(), unknown.answer(), unknown.cause()));
  }
}
