package io.idem.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.w3c.dom.Document;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** What Maven itself does not hold together: the modules, their versions and the BOM. */
class ReactorTest {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final String NOT_PUBLISHED = "/project/properties/maven.deploy.skip[.='true']";

  @Test
  void theLawsKnowEveryPublishedModule() throws Exception {
    assertThat(publishedModules())
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(Module.values()).map(Module::artifactId).toList());
  }

  @Test
  void theBomNamesEveryPublishedModule() throws Exception {
    Document bom = pom("idem-bom");
    String entries = "/project/dependencyManagement/dependencies/dependency";

    assertThat(texts(bom, entries + "/artifactId"))
        .containsExactlyInAnyOrderElementsOf(publishedModules());
    assertThat(texts(bom, entries + "/version")).containsOnly("${project.version}");
  }

  @Test
  void theBomHasTheVersionOfTheRest() throws Exception {
    assertThat(texts(pom("idem-bom"), "/project/version"))
        .isEqualTo(texts(pom("."), "/project/version"));
  }

  @Test
  void everyModuleButTheBomHasTheParentAndItsVersion() throws Exception {
    List<String> version = texts(pom("."), "/project/version");

    for (String module : modules()) {
      Document pom = pom(module);
      assertThat(texts(pom, "/project/parent/artifactId"))
          .as("parent of %s", module)
          .containsExactly("idem-parent");
      assertThat(texts(pom, "/project/parent/version"))
          .as("parent version of %s", module)
          .isEqualTo(version);
      assertThat(texts(pom, "/project/version")).as("own version of %s", module).isEmpty();
    }
  }

  @Test
  void noModuleSwitchesAGateOff() throws Exception {
    for (String module : modules()) {
      Document pom = pom(module);
      assertThat(names(pom, "/project/properties/*"))
          .as("properties of %s", module)
          .doesNotContain(
              "quick",
              "skipTests",
              "skipITs",
              "maven.test.skip",
              "maven.test.failure.ignore",
              "enforcer.skip",
              "spotless.check.skip");
      assertThat(names(pom, "/project/build//compilerArgs[not(@combine.children='append')]"))
          .as("compiler arguments of %s in the place of the inherited ones", module)
          .isEmpty();
      assertThat(
              names(
                  pom, "/project/build//annotationProcessorPaths[not(@combine.children='append')]"))
          .as("annotation processors of %s in the place of the inherited ones", module)
          .isEmpty();
      if (publishedModules().contains(module)) {
        assertThat(names(pom, "/project/properties/idem.doclint"))
            .as("Javadoc lint of %s, which is published", module)
            .isEmpty();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void onlyAModuleWithoutClassesSkipsDependencyAnalysis(Module module) throws Exception {
    Path sources = ROOT.resolve(module.artifactId()).resolve("src/main/java");
    try (Stream<Path> files = Files.walk(sources)) {
      boolean empty =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .allMatch(file -> file.endsWith("package-info.java"));
      if (!empty) {
        assertThat(texts(pom(module.artifactId()), "/project/properties/mdep.analyze.skip"))
            .as(
                "%s has classes now: remove mdep.analyze.skip from its pom.xml, and the"
                    + " dependencies that it does not use",
                module.artifactId())
            .isEmpty();
      }
    }
  }

  private static List<String> modules() throws Exception {
    return texts(pom("."), "/project/modules/module").stream()
        .filter(module -> !module.equals("idem-bom"))
        .toList();
  }

  private static List<String> publishedModules() throws Exception {
    Stream.Builder<String> published = Stream.builder();
    for (String module : modules()) {
      if (texts(pom(module), NOT_PUBLISHED).isEmpty()) {
        published.add(module);
      }
    }
    return published.build().toList();
  }

  private static Document pom(String module) throws Exception {
    Path file = ROOT.resolve(module).resolve("pom.xml");
    if (!Files.exists(file)) {
      throw new IOException(file + " is missing: run this test from Maven, in its module");
    }
    return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(file.toFile());
  }

  private static List<String> texts(Document pom, String expression) throws Exception {
    return find(pom, expression).map(node -> node.getTextContent().trim()).toList();
  }

  private static List<String> names(Document pom, String expression) throws Exception {
    return find(pom, expression).map(Node::getNodeName).toList();
  }

  private static Stream<Node> find(Document pom, String expression) throws Exception {
    XPath xpath = XPathFactory.newDefaultInstance().newXPath();
    NodeList nodes = (NodeList) xpath.evaluate(expression, pom, XPathConstants.NODESET);
    return IntStream.range(0, nodes.getLength()).mapToObj(nodes::item);
  }
}
