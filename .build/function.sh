# shellcheck shell=sh disable=SC2154 # part of build.sh, which has the variables
#
# ./build.sh function: which files of a folder are the function's, and what its handler is.

# Looks at $dir before anything is done, and sets $name.
check_function() {
  [ -n "$dir" ] || die 'which function? Type: ./build.sh function DIR'
  [ -e "$(from_caller "$dir")" ] || die "there is no folder $dir"
  [ -d "$(from_caller "$dir")" ] || die "$dir is no folder. Put it into one, and type: ./build.sh function FOLDER"
  source=$(cd -- "$(from_caller "$dir")" && pwd -P)
  name=$(basename -- "$source")
  case $name in
    lambda-stdio | sbcl-layer) die "$dir would become $name.zip, which is the name of a layer: give the folder another name" ;;
    / | -* | *[[:cntrl:]]*) die "$dir cannot be packed: give the folder another name" ;;
  esac
  # This checkout is a place to work in, and has no handler.
  case $(pwd -P)/ in "$source"/*) die "$dir has the sources of lambda-stdio in it: give the function a folder of its own" ;; esac
  [ ! -f "$source/env" ] || check_settings "$source/env"
  [ ! -e "$source/bootstrap" ] || die "$dir/bootstrap is where lambda-stdio's own is to be: give it another name"
  odd=$(find "$source" ! -type f ! -type d ! -type l -print)
  [ -z "$odd" ] || die "neither a file nor a folder: $odd"
}

# Copies the function's files to $work/root, and runs its build.sh there.
copy_function() {
  for file in "$source"/*; do
    if [ -e "$file" ] || [ -L "$file" ]; then
      cp -PRp -- "$file" "$work/root/" # links as links: node_modules is full of them
    fi
  done
  chmod -R u+rwX "$work/root"
  (
    cd "$work/root" || exit
    if [ -f build.sh ] && [ -x build.sh ]; then
      say "running $dir/build.sh in a copy"
      LC_ALL=C.UTF-8 ./build.sh </dev/null >&2 || die "$dir/build.sh failed, with status $?"
      rm build.sh
    fi
    rm -f README.md event.json response.json
    [ ! -f env ] || mv env ../env
    find . -type d -name __pycache__ -prune -exec rm -rf {} +
    find . -type f -name '*.fasl' | while IFS= read -r fasl; do
      if [ -n "$(find "${fasl%.fasl}.lisp" -newer "$fasl" 2>/dev/null)" ]; then
        say "left out ${fasl#./}: it is older than its source"
        rm "$fasl"
      fi
    done
    list_handlers >../handlers
    [ -s ../handlers ] ||
      die "$dir has no handler: nothing there is executable, begins with #!, or is a source file for one of the adapters"
    check_links
  )
}

# A line for each file in the current folder that bootstrap could run: what the handler setting would be.
list_handlers() {
  find . -type d -name node_modules -prune -o -type f -print | LC_ALL=C sort | while IFS= read -r file; do
    file=${file#./}
    case $file in
      *.ros) printf '%s\n' "$file" ;;
      *)
        if [ -x "$file" ] || [ "$(head -c 2 "$file" | tr -d '\0')" = '#!' ]; then
          printf '%s\n' "$file"
          continue
        fi
        case ${file##*/} in
          ?*.py | ?*.mjs | ?*.cjs | ?*.js | ?*.sh | ?*.bash | ?*.lisp | ?*.fasl | ?*.rb)
            printf '%s.FUNCTION\n' "${file%.*}"
            ;;
        esac
        ;;
    esac
  done | uniq
}

# What a link leads to must be in the zip, too.
check_links() {
  root=$(pwd -P)
  find . -type l | while IFS= read -r link; do
    case $(readlink "$link") in /*) to=/ ;; *) to=$(readlink -f "$link") || to='' ;; esac
    case $to in
      "$root"/*) [ -e "$link" ] || die "$dir/${link#./} is a link that leads nowhere" ;;
      *) die "$dir/${link#./} is a link that leads out of the folder: put the file itself there" ;;
    esac
  done
}

# Says what to set on the function.
tell_settings() {
  handler=''
  [ ! -f "$work/env" ] || handler=$(handler_in "$work/env")
  # As in the examples, else the only one that is not in a folder.
  [ -n "$handler" ] || handler=$(grep -E '^handler(\.[^/.]*)?$' "$work/handlers") || handler=$(grep -v / "$work/handlers") || :
  case $handler in
    '' | *"
"*) say "set the handler to what bootstrap is to run, such as $(head -n 1 "$work/handlers")" ;;
    *)
      say "set the handler to $handler"
      warn_of_interpreter "$handler"
      ;;
  esac
  [ ! -f "$work/env" ] || variables_in "$work/env" | while IFS= read -r setting; do
    say "set the variable $setting"
  done
}
