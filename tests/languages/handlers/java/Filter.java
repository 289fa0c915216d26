public class Filter {
    public static void main(String[] args) throws Exception {
        System.out.println("{\"echo\":" + new String(System.in.readAllBytes()) + "}");
    }
}
