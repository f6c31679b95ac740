#!/bin/sh
# Permissions of RabbitMQ's MQTT plugin: rabbitmq.sh office USER | box USER
# A box's user is named as the box. Users are made before: rabbitmqctl add_user USER PASSWORD
set -eu

CONTROL=${RABBITMQCTL:-rabbitmqctl}
VHOST=${RABBITMQ_VHOST:-/}
EXCHANGE=${RABBITMQ_MQTT_EXCHANGE:-amq.topic}

# Queues of MQTT subscriptions, and the exchange that topics go through. Levels are divided by dots there.
permissions() {
  "$CONTROL" set_permissions -p "$VHOST" "$1" \
    '^mqtt-subscription-.*' "^(mqtt-subscription-.*|$EXCHANGE)\$" "^(mqtt-subscription-.*|$EXCHANGE)\$"
}

case "${1:-} ${2:+user}" in
  'office user')
    permissions "$2"
    "$CONTROL" set_topic_permissions -p "$VHOST" "$2" "$EXCHANGE" '^wayside\.v1\.' '^wayside\.v1\.'
    ;;
  'box user')
    permissions "$2"
    # Quoted for a regular expression: a dot in a name is no wildcard.
    box=$(printf '%s' "$2" | sed 's/[.[\*^$()+?{|]/\\&/g')
    "$CONTROL" set_topic_permissions -p "$VHOST" "$2" "$EXCHANGE" \
      "^wayside\\.v1\\.[^.]+\\.$box\\.(state|info|telemetry|camera\\..+|journal\\..+|alarm\\..+|model\\.report)\$" \
      "^wayside\\.v1\\.[^.]+\\.($box\\..+|_group\\.[^.]+\\.model\\.desired)\$"
    ;;
  *)
    echo 'usage: rabbitmq.sh office USER | box USER' >&2
    exit 64
    ;;
esac
