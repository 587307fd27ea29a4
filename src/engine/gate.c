#include "engine/gate.h"

void gate_init(struct gate *gate) {
    *gate = (struct gate){0};
    (void)pthread_mutex_init(&gate->lock, NULL); /* default attributes cannot fail on Linux */
    (void)pthread_cond_init(&gate->changed, NULL);
}

void gate_release(struct gate *gate) {
    (void)pthread_cond_destroy(&gate->changed);
    (void)pthread_mutex_destroy(&gate->lock);
}

static int enter(struct gate *gate, int waits) {
    (void)pthread_mutex_lock(&gate->lock);
    while (waits && gate->is_shut) (void)pthread_cond_wait(&gate->changed, &gate->lock);
    int is_inside = !gate->is_shut;
    gate->inside += is_inside;
    (void)pthread_mutex_unlock(&gate->lock);
    return is_inside;
}

void gate_enter(struct gate *gate) { (void)enter(gate, 1); }

int gate_try(struct gate *gate) { return enter(gate, 0); }

void gate_leave(struct gate *gate) {
    (void)pthread_mutex_lock(&gate->lock);
    if (--gate->inside == 0) (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}

void gate_shut(struct gate *gate) {
    (void)pthread_mutex_lock(&gate->lock);
    gate->is_shut = 1;
    while (gate->inside) (void)pthread_cond_wait(&gate->changed, &gate->lock);
    (void)pthread_mutex_unlock(&gate->lock);
}

void gate_open(struct gate *gate) {
    (void)pthread_mutex_lock(&gate->lock);
    gate->is_shut = 0;
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}
