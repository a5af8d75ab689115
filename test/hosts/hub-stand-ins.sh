#!/bin/sh
# Stand-ins for systemctl and systemd-run in the tests of the hub's scripts. A file a unit, with its state in it.
units=$TOJI_TEST_UNITS
command=${0##*/}
case $command:$1 in
  systemctl:show)
    property=${2#--property=}
    case $property in
      ActiveState) value=$(cat "$units/$3" 2>/dev/null || echo inactive) ;;
      Type) value=$(cat "$units/$3.type" 2>/dev/null) ;;
      TriggeredBy) value=$(cat "$units/$3.triggered-by" 2>/dev/null) ;;
      Unit) value=${3%.timer}.service ;;
    esac
    echo "$property=$value"
    ;;
  systemctl:list-units)
    cd "$units" && for unit in postgresql*.service; do
      [ ! -e "$unit" ] || [ "$(cat "$unit")" != active ] || echo "$unit loaded active running PostgreSQL"
    done
    ;;
  systemctl:start | systemctl:stop)
    echo "$1 $2" >>"$units/calls"
    [ ! -e "$units/$2.refuses-$1" ] || exit 1
    case $1 in start) echo active >"$units/$2" ;; stop) echo inactive >"$units/$2" ;; esac
    ;;
  systemd-run:*)
    [ ! -e "$units/systemd-run.refuses-any" ] || exit 1
    seconds=0
    while [ "$1" != -- ]; do
      case $1 in
        --on-active=*) seconds=${1#--on-active=} ;;
        --unit=*) echo "systemd-run ${1#--unit=}" | sed 's/-[0-9]*\(-[0-9]*\)$/\1/' >>"$units/calls" ;;
      esac
      shift
    done
    shift
    # shellcheck disable=SC2016
    setsid sh -c 'sleep "$1"; shift; exec "$@"' - "${seconds%s}" "$@" </dev/null >/dev/null 2>&1 &
    ;;
esac
