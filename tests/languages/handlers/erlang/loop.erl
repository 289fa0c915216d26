-module(loop).
-export([main/0]).

main() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            io:format("{\"echo\":~ts}~n", [string:trim(Line)]),
            main()
    end.
