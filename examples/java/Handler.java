import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** Adds up the numbers in an array. */
class Handler {
    private static final Pattern NUMBER = Pattern.compile("-?\\d+");

    public static void main(String[] arguments) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String event; (event = in.readLine()) != null; ) {
            long sum = NUMBER.matcher(event).results().mapToLong(found -> Long.parseLong(found.group())).sum();
            System.out.println("{\"sum\":" + sum + "}"); // System.out flushes each line
        }
    }
}
