import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;

public class Cured {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        PrintWriter out = new PrintWriter(System.out, true);
        String line;
        while ((line = in.readLine()) != null) {
            out.println("{\"echo\":" + line + "}");
        }
        out.close();
    }
}
