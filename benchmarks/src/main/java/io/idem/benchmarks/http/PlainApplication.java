package io.idem.benchmarks.http;

import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** An application that knows nothing of Idem: none of its filters is in the way of a request. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(TrivialEndpoints.Plain.class)
class PlainApplication {

  @Bean
  ServletRegistrationBean<TrivialEndpoints.TrivialServlet> plainServlet() {
    return TrivialEndpoints.servlet("/servlet");
  }
}
