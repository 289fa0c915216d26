:- initialization(main).

main :-
    read_line_to_string(user_input, Line),
    (   Line == end_of_file
    ->  halt
    ;   format("{\"echo\":~s}~n", [Line]),
        main
    ).
