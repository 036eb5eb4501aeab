# Adds what a test runner reported to `passed` and `failed`. Sourced by tests/run. Each function takes the name of the
# run, the runner's exit status and its report, and fails if the run did. A runner that failed without reporting a
# failed test (it did not compile, or it crashed) counts as one failure.

count() {
    local name=$1 status=$2 run_passed=${3:-0} run_failed=${4:-0} left_out=${5:-0}
    if [ "$status" -ne 0 ] && [ "$run_failed" -eq 0 ]; then
        run_failed=1
        echo "!! $name ended with status $status"
    fi
    if [ "$status" -eq 0 ] && [ "$run_passed" -eq 0 ] && [ "$run_failed" -eq 0 ]; then
        note "EMPTY: $name ran no test"
    fi
    [ "$left_out" -eq 0 ] || note "NOT RUN: $left_out tests of $name were ignored or skipped"
    passed=$((passed + run_passed))
    failed=$((failed + run_failed))
    [ "$run_failed" -eq 0 ]
}

without_colours() { sed 's/\x1b\[[0-9;]*[a-zA-Z]//g' "$1"; }

# "test result: ok. 5 passed; 0 failed; 1 ignored; ..", once for each test binary.
count_cargo_test() {
    local sums
    sums=$(without_colours "$3" | awk '
        /^test result: / { for (i = 2; i <= NF; i++) {
            if ($i == "passed;") p += $(i - 1); if ($i == "failed;") f += $(i - 1); if ($i == "ignored;") s += $(i - 1) } }
        END { print p + 0, f + 0, s + 0 }')
    # shellcheck disable=SC2086 # three numbers
    count "$1" "$2" $sums
}

# "Summary [ 1.2s] 9 tests run: 8 passed (1 slow), 1 failed, 2 skipped", where what did not pass has several names.
count_nextest() {
    local sums
    sums=$(without_colours "$3" | awk '
        /^ *Summary \[/ { for (i = 2; i <= NF; i++) {
            if ($i ~ /^tests?$/ && $(i + 1) == "run:") n = $(i - 1)
            if ($i ~ /^passed/) p = $(i - 1); if ($i ~ /^skipped/) s = $(i - 1) } }
        END { print p + 0, n - p, s + 0 }')
    # shellcheck disable=SC2086 # three numbers
    count "$1" "$2" $sums
}

# <testsuite tests=".." failures=".." errors=".." skipped="..">, in as many files as there are.
count_junit() {
    local sums
    sums=$(cat "${@:3}" 2>/dev/null | grep -o '<testsuite [^>]*>' | awk '
        function value(name) { return match($0, " " name "=\"[0-9]+\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : 0 }
        { n += value("tests"); f += value("failures") + value("errors"); s += value("skipped") }
        END { print n - f - s, f + 0, s + 0 }')
    # shellcheck disable=SC2086 # three numbers
    count "$1" "$2" $sums
}
