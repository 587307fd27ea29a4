#!/usr/bin/env bash
# usage: exports.sh LIBRARY - the shared library exports kai_* and nothing else, and something.
set -euo pipefail

symbols=$(nm -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//')
grep -qx 'kai_status_text' <<<"$symbols" || { echo "$1: kai_status_text is missing"; exit 1; }
! grep -vE '^(kai_|_init$|_fini$|__(asan|odr_asan|tsan|ubsan|sanitizer)|__start_|__stop_|__gcov|__llvm)' <<<"$symbols"
