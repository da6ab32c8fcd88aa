package io.idem.examples.payments;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The running service as a client on the network sees it. */
final class Service {

  static final JsonMapper JSON = JsonMapper.shared();

  private final HttpClient client = HttpClient.newHttpClient();
  private final String base;

  Service(int port) {
    this.base = "http://127.0.0.1:" + port;
  }

  /** Every payment is a new one: it has a key of its own. */
  Answer pay(String user, String from, String to, long amount) {
    return post(
        user,
        """
        {"from":"%s","to":"%s","amount":%d,"currency":"EUR","reference":"test"}
        """
            .formatted(from, to, amount));
  }

  Answer post(String user, String body) {
    return send(
        request("/api/payments", user)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", UUID.randomUUID().toString())
            .POST(BodyPublishers.ofString(body)));
  }

  Answer get(String user, String path) {
    return send(request(path, user));
  }

  Answer get(String path) {
    return send(HttpRequest.newBuilder(URI.create(base + path)));
  }

  HttpRequest.Builder request(String path, String user) {
    return request(path, user, user);
  }

  HttpRequest.Builder request(String path, String user, String password) {
    byte[] credentials = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
    return HttpRequest.newBuilder(URI.create(base + path))
        .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials));
  }

  Answer send(HttpRequest.Builder request) {
    try {
      return new Answer(client.send(request.build(), BodyHandlers.ofString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  record Answer(HttpResponse<String> response) {

    int status() {
      return response.statusCode();
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }

    JsonNode json() {
      return JSON.readTree(response.body());
    }

    String text(String member) {
      return json().path(member).asString("");
    }
  }
}
