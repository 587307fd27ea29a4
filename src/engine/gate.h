/* A gate that many pass at once and one may shut: whoever shuts it waits for those inside, whoever
 * comes waits until it is open. Threads: any. */
#ifndef KAIROS_ENGINE_GATE_H
#define KAIROS_ENGINE_GATE_H

#include <pthread.h>
#include <stdint.h>

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t inside;
    int is_shut;
};

void gate_init(struct gate *gate);
void gate_release(struct gate *gate);
void gate_enter(struct gate *gate);
/* 1 where it was open. */
int gate_try(struct gate *gate);
void gate_leave(struct gate *gate);
void gate_shut(struct gate *gate);
void gate_open(struct gate *gate);

#endif
