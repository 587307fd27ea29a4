#!/usr/bin/env bash
# Make appointments.csv for campaign.yaml from the published table of 110,527 appointments.
#
#   examples/no-show/prepare.sh [OUT]      default: appointments.csv in this folder
#
# - dates become waiting_days (from booking to appointment) and the weekday of the appointment;
# - appointments less than three days ahead are left out: not one of them was reminded, so the
#   history cannot say what a reminder would have changed;
# - an age below 0 becomes missing; the five appointments "before" their booking go with the rule
#   above;
# - `consent` is SYNTHETIC: the published table has none. Four of five patients are given a yes by
#   arithmetic on their number, so that the opt-in rule of healthcare can be shown.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${KAIROS_DATA:-$here/../../../shared/data}
source=$data/noshow_appointments/KaggleV2-May-2016.csv.gz
[ -r "$source" ] || { echo "$0: '$source' is not there: set KAIROS_DATA to the folder of data sets" >&2; exit 6; }
out=${1:-$here/appointments.csv}

# PatientId,AppointmentID,Gender,ScheduledDay,AppointmentDay,Age,Neighbourhood,Scholarship,
# Hipertension,Diabetes,Alcoholism,Handcap,SMS_received,No-show
gzip -dc "$source" | tr -d '\r' | awk -F, '
    function day(text,   y, m, d, a) { # days since a fixed day, of YYYY-MM-DD...
        y = substr(text, 1, 4); m = substr(text, 6, 2); d = substr(text, 9, 2)
        a = int((14 - m) / 12); y += 4800 - a; m += 12 * a - 3
        return d + int((153 * m + 2) / 5) + 365 * y + int(y / 4) - int(y / 100) + int(y / 400) - 32045
    }
    function draw(id,   h) { # 0..99, the same for the same patient everywhere
        h = (id % 1000003 + 1) * 48271 % 2147483647
        return int(h * 16807 % 2147483647 / 1000) % 100
    }
    BEGIN {
        split("mon tue wed thu fri sat sun", weekday, " ")
        print "appointment,age,sex,waiting_days,weekday,neighbourhood,hypertension,diabetes," \
              "alcoholism,handicap,welfare,consent,reminder,came"
    }
    NR == 1 { next }
    {
        waiting = day($5) - day($4)
        if (waiting < 3) next
        print $2 "," ($6 < 0 ? "" : $6) "," tolower($3) "," waiting "," weekday[day($5) % 7 + 1] "," \
              $7 "," $9 "," $10 "," $11 "," $12 "," ($8 ? "yes" : "no") "," \
              (draw($1) < 80 ? "yes" : "no") "," ($13 ? "sms" : "none") "," ($14 == "No" ? 1 : 0)
    }' >"$out.part"
mv "$out.part" "$out"
echo "$out: $(($(wc -l <"$out") - 1)) appointments"
