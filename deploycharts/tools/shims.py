"""What stands in helm's place while helmfile runs: it records, or it guards what is applied."""

from __future__ import annotations

from pathlib import Path

RECORD = """#!/bin/sh
case " $* " in
*" --output-dir"*) exec {helm} "$@" ;;
*" version "*) echo v{version} ;;
*" template "*) printf '%s\\0' "$PWD" "$@" > {calls}/$$ ;;
*) exec {helm} "$@" ;;
esac
"""

GUARD = """#!/bin/sh
# Becomes helm, but refuses an upgrade that is not the planned one, and knows helm's version.
# A chart from elsewhere is the copy that was planned. What the revision is to say of itself is
# added here: not every helmfile passes it on.
# What helm would undo by itself is left to the deployment, which collects the reason first.
atomic= waits=
for word do
  shift
  [ "$word" = {reference} ] && word={copy}
  case "$word" in
  --rollback-on-failure|--rollback-on-failure=true|--atomic|--atomic=true) atomic=yes && continue ;;
  --cleanup-on-fail|--cleanup-on-fail=true) continue ;;
  --wait|--wait=*) waits=yes ;;
  --wait-for-jobs|--wait-for-jobs=true) [ {waits_for_jobs} = yes ] || continue ;;
  esac
  set -- "$@" "$word"
done
# The verb alone: release names and descriptions may hold the word, too.
[ "$1" = version ] && echo v{version} && exit
# The last value of each flag that says where helm acts, in one order.
aim() {{
  for flag in {aim_flags}; do
    value= previous=
    for word in "$@"; do
      [ "$previous" = -n ] && previous=--namespace
      [ "$previous" = "$flag" ] && value=$word
      case "$word" in "$flag="*) value=${{word#*=}} ;; esac
      previous=$word
    done
    [ -z "$value" ] || printf '%s=%s ' "$flag" "$value"
  done
}}
sum() {{ if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }}
verb= chart= previous= layers=
for word in "$@"; do
  [ "$previous" = --values ] && layers="$layers$(sum < "$word" | cut -d' ' -f1) "
  [ "$word" = upgrade ] && verb=upgrade
  [ -z "$chart" ] && [ -f "$word/Chart.yaml" ] && chart=$word
  previous=$word
done
if [ "$verb" = upgrade ]; then
  if [ "$(aim "$@")" != {aim} ]; then
    echo place > {marker}
    echo "refused: this is not the planned cluster or namespace" >&2
    exit 75
  fi
  names=$(cd "$chart" && find -L . -type f ! -path './.git/*' | LC_ALL=C sort)
  files=$(cd "$chart" && printf '%s\\n' "$names" | while IFS= read -r name; do sum "$name"; done)
  found=$(printf '%s\\n%s\\n' "$layers" "$files" | sum | cut -d' ' -f1)
  if [ "$found" != {planned} ]; then
    echo "$found" > {marker}
    echo "refused: the layers or the chart are not the planned ones" >&2
    exit 75
  fi
  # helm waits where it may have to roll back.
  if [ -n "$atomic" ] && [ -z "$waits" ]; then set -- "$@" --wait; fi
  set -- "$@" {extra}
fi
exec {helm} "$@"
"""


def write(path: Path, text: str) -> Path:
    """Write a program that only its owner can read and run."""
    path.write_text(text)
    path.chmod(0o700)
    return path
