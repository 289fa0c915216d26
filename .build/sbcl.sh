# shellcheck shell=sh disable=SC2154 # part of build.sh, which has the variables
#
# ./build.sh sbcl: the layer's files. A layer lands in /opt, whose bin Lambda has on the PATH:
#
#   bootstrap            the runtime
#   bin/sbcl             this machine's, told to look for shared libraries in the layer's lib
#   lib/*.so.*           those that it needs, and those that the libraries in its core have opened
#   lib/sbcl/sbcl.core   saved by handlers/sbcl/core.lisp; sbcl looks for it here, as seen from its own place
#   lib/sbcl/contrib     what (require …) finds
#   share/licenses       a folder for each of these and for each library, with its licence
#
# glibc is not among them, for /lib64 on Lambda has one. It is an old one, so that this machine's programs must do with it.

# Of Amazon Linux 2023, and so of provided.al2023: glibc 2.34.
glibc_of_lambda='GLIBC_2\.([0-9]|[12][0-9]|3[0-4])(\.[0-9]+)?'

# Looks at what there is before anything is done.
check_layer() {
  machine=$(arch_of_machine)
  [ "${arch:-$machine}" = "$machine" ] ||
    die "SBCL makes its core by running, so that the layer for $arch is made on a machine that is $arch. This one is $machine"
  [ "$(uname -s)" = Linux ] || die "SBCL makes its core by running, so that the layer is made on Linux. This is $(uname -s)"
  case $with in *[!A-Za-z0-9+._/,-]* | -* | *,-*) die "these are no names of Lisp libraries: --with $with" ;; esac
  need zip sbcl patchelf
}

copy_sbcl() {
  layer=$work/root
  mkdir -p "$layer/bin" "$layer/lib/sbcl"
  cp -- "$(ask_sbcl 'sb-ext:*runtime-pathname*')" "$layer/bin/sbcl"
  chmod 755 "$layer/bin/sbcl"
  cp -R -- "$(ask_sbcl '(sb-int:sbcl-homedir-pathname)')contrib" "$layer/lib/sbcl/"
  # shellcheck disable=SC2046 # one word per library
  set -- $(printf %s "$with" | tr , ' ')
  [ $# = 0 ] || run_core "$@"
  run_core --save "$@"
  copy_shared_libraries
  copy_licences
  # Where it is: beside bin, and where there is no /proc to say so, in /opt. Not a variable, which children would inherit and
  # users may set; and of the two kinds of such a path the older one, which goes for the libraries' libraries, too.
  # shellcheck disable=SC2016 # ORIGIN is no variable of the shell's
  patchelf --force-rpath --set-rpath '$ORIGIN/../lib:/opt/lib' "$layer/bin/sbcl"
  check_glibc
}

ask_sbcl() {
  sbcl --noinform --no-sysinit --no-userinit --disable-debugger --eval "(progn (princ (truename $1)) (terpri) (exit))"
}

# run_core [--save] [LIBRARY...]: core.lisp and the adapter behind it, with these arguments. What a process has in its memory
# comes into the core, too: so environment, file names and addresses are always the same, as far as the machine allows.
run_core() {
  program=$(command -v sbcl)
  fixed=''
  ! setarch -R true 2>/dev/null || fixed='setarch -R'
  # The adapter's files in the order in which adapters.rs has them.
  for file in core environment messages conditions loading adapter; do
    cat "handlers/sbcl/$file.lisp"
  done >"$work/input"
  # shellcheck disable=SC2086 # two words, or none
  (
    cd /
    env -i LC_ALL=C.UTF-8 ${with:+HOME="${HOME-/nonexistent}" PATH="$PATH" XDG_CACHE_HOME="$work/cache"} \
      ${SBCL_HOME+SBCL_HOME="$SBCL_HOME"} ${CL_SOURCE_REGISTRY+CL_SOURCE_REGISTRY="$CL_SOURCE_REGISTRY"} \
      $fixed "$program" --noinform --no-sysinit --no-userinit --disable-debugger --eval '(load sb-sys:*stdin*)' \
      --eval '(exit)' --end-toplevel-options "$@"
  ) <"$work/input" 9<"$layer/lib/sbcl" >"$work/log" 2>"$work/error" || {
    tail -n 20 "$work/log" >&2
    die "$(cat "$work/error")"
  }
}

copy_shared_libraries() {
  sed -n 's/^mapped: //p' "$work/log" | sort -u | while IFS= read -r file; do
    case ${file##*/} in
      # glibc's
      ld-linux* | lib[cm].so.* | lib[cm]-[0-9]* | lib*-2.[0-9]*.so | libdl.so.* | libmvec.so.* | libpthread.so.* | libresolv.so.* | \
        librt.so.* | libutil.so.* | libanl.so.* | libnss_*) ;;
      *)
        soname=$(patchelf --print-soname "$file")
        cp -L -- "$file" "$layer/lib/${soname:-${file##*/}}"
        ;;
    esac
  done
}

# What is passed on to others wants its licence with it. A package of the system has it where packages have theirs, all else
# beside its sources.
copy_licences() {
  mkdir -p "$layer/share/licenses/lambda-stdio"
  cp -- LICENSE-* "$layer/share/licenses/lambda-stdio/"
  licence_of sbcl "$(command -v sbcl)" "$(ask_sbcl '(sb-int:sbcl-homedir-pathname)')" /usr/local/share/doc/sbcl /usr/share/doc/sbcl
  sed -n 's/^mapped: //p' "$work/log" | sort -u | while IFS= read -r file; do
    for copy in "$layer"/lib/*.so*; do
      ! cmp -s -- "$file" "$copy" || licence_of "${copy##*/}" "$file"
    done
  done
  sed -n 's/^system: //p' "$work/log" | sort -u | while read -r name folder; do
    case $folder in
      "$(ask_sbcl '(sb-int:sbcl-homedir-pathname)')"*) ;; # SBCL's own
      *) licence_of "$name" "$folder" "$folder" ;;
    esac
  done
}

# licence_of NAME FILE FOLDER...: copies the licence of NAME, which FILE belongs to, or says that there is none.
licence_of() {
  licences=$layer/share/licenses/$1
  name=$1
  file=$(readlink -f -- "$2")
  shift 2
  [ ! -e "$licences" ] || return 0
  mkdir -p "$licences"
  if package=$(dpkg-query -S "$file" 2>/dev/null || dpkg-query -S "/usr${file#/usr}" 2>/dev/null); then
    package=${package%%:*}
    package=${package%%,*}
    set -- "/usr/share/doc/$package" "$@"
  elif package=$(rpm -qf --qf '%{NAME}\n' "$file" 2>/dev/null); then
    set -- "/usr/share/licenses/$package" "$@"
  fi
  for folder; do
    for licence in "${folder%/}"/copyright "${folder%/}"/[Cc][Oo][Pp][Yy][Ii][Nn][Gg]* "${folder%/}"/[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*; do
      [ ! -f "$licence" ] || cp -L -- "$licence" "$licences/"
    done
  done
  rmdir "$licences" 2>/dev/null || return 0
  say "no licence was found for $name, which the layer has. Whoever passes it on must add it"
}

# The versions of glibc that a program needs are strings in it.
check_glibc() {
  for file in "$layer/bin/sbcl" "$layer"/lib/*.so*; do
    [ -e "$file" ] || continue
    newer=$(LC_ALL=C grep -aoE 'GLIBC_[A-Z0-9_.]+' "$file" | sort -u | grep -vxE "$glibc_of_lambda" | tr '\n' ' ') || :
    [ -z "$newer" ] || die "${file##*/} of this machine needs $newer, and Lambda's glibc is 2.34. Make the layer on a system
  that is not newer, such as Debian 12, or with an SBCL that was built on one"
  done
}
