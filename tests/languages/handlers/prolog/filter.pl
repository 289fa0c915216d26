:- initialization(main).

main :-
    read_string(user_input, _, Event),
    format("{\"echo\":~s}~n", [Event]),
    halt.
