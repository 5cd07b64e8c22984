import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

/** One OpenSearch node, its plugins from the class path. Arguments: settings as key=value. */
public final class OpenSearchNode extends Node {
  private OpenSearchNode(Environment environment, Collection<Class<? extends Plugin>> plugins) {
    super(environment, plugins, true);
  }

  public static void main(String[] arguments) throws Exception {
    Settings.Builder builder = Settings.builder();
    for (String argument : arguments) {
      int at = argument.indexOf('=');
      builder.put(argument.substring(0, at), argument.substring(at + 1));
    }
    Settings settings = builder.build();
    Files.createDirectories(Paths.get(settings.get("path.home"), "config"));
    List<Class<? extends Plugin>> plugins = new ArrayList<>();
    for (String name : System.getProperty("plugins").split(",")) {
      plugins.add(Class.forName(name).asSubclass(Plugin.class));
    }
    Node node =
        new OpenSearchNode(
            InternalSettingsPreparer.prepareEnvironment(
                settings, Collections.emptyMap(), null, () -> settings.get("node.name")),
            plugins);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, ended)));
    node.start();
    ended.await();
  }

  private static void close(Node node, CountDownLatch ended) {
    try {
      node.close();
    } catch (Exception error) {
      error.printStackTrace();
    }
    ended.countDown();
  }
}
