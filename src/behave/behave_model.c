#include "behave/behave_model.h"

#include <string.h>

#include "base/alloc.h"

kai_status behave_new(const struct behave_options *resolved, uint64_t seed,
                      struct behave **ret_model, kai_err *err) {
    struct behave *model = mem_zero(1, sizeof *model);
    if (!model) return err_memory(err, sizeof *model);
    model->options = *resolved;
    model->options.checkpoint = NULL;
    model->shape = behave_shape_of(resolved);
    model->seed = seed;
    const int64_t v = model->shape.items, d = model->shape.width;
    const int64_t panels = catalogue_panel_floats(v, d);
    model->parameters = mem_aligned((size_t)model->shape.parameters, sizeof(float));
    model->catalogue_floats = mem_aligned((size_t)(panels + v * d + v), sizeof(float));
    model->counts = mem_zero((size_t)v, sizeof *model->counts);
    model->curve = mem_zero((size_t)resolved->epochs, sizeof *model->curve);
    if (!model->parameters || !model->catalogue_floats || !model->counts || !model->curve) {
        int64_t floats = model->shape.parameters + panels + v * d;
        behave_free(model);
        return err_memory(err, 4 * floats);
    }
    model->catalogue = (struct catalogue){.items = v,
                                          .width = d,
                                          .panels = model->catalogue_floats,
                                          .unit = model->catalogue_floats + panels,
                                          .inverse = model->catalogue_floats + panels + v * d};
    *ret_model = model;
    return KAI_OK;
}

void behave_free(struct behave *model) {
    if (!model) return;
    mem_free(model->curve);
    mem_free(model->counts);
    mem_free_aligned(model->catalogue_floats);
    mem_free_aligned(model->parameters);
    mem_free(model);
}

int32_t behave_items(const struct behave *model) { return (int32_t)model->shape.items; }
int32_t behave_width(const struct behave *model) { return (int32_t)model->shape.width; }

static kai_status fill_items(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    const struct behave *model = user;
    int64_t first = item * BEHAVE_FILL_ITEMS, last = first + BEHAVE_FILL_ITEMS;
    if (last > model->shape.items) last = model->shape.items;
    catalogue_fill(&model->catalogue, model->parameters, first, last);
    return KAI_OK;
}

kai_status behave_fill(const struct behave *model, struct pool *pool, kai_err *err) {
    int64_t count = (model->shape.items + BEHAVE_FILL_ITEMS - 1) / BEHAVE_FILL_ITEMS;
    struct behave view = *model;
    return pool_run(pool, count, fill_items, &view, err);
}

static kai_status check_sequence(const struct behave_sequences *all, int64_t s, int32_t item_count,
                                 kai_err *err) {
    int64_t last = INT64_MIN;
    for (int64_t e = all->offsets[s]; e < all->offsets[s + 1]; e++) {
        if (all->items[e] < 0 || all->items[e] >= item_count)
            return err_set(err, KAI_INVALID,
                           "behaviour model: event %lld of sequence %lld: item %d is not in a "
                           "catalogue of %d",
                           (long long)(e - all->offsets[s]), (long long)s, all->items[e],
                           item_count);
        int64_t time = all->times ? all->times[e] : BEHAVE_TIME_UNKNOWN;
        if (time == BEHAVE_TIME_UNKNOWN) continue;
        if (time < last)
            return err_set(err, KAI_INVALID,
                           "behaviour model: event %lld of sequence %lld is before the one before "
                           "it",
                           (long long)(e - all->offsets[s]), (long long)s);
        last = time;
    }
    return KAI_OK;
}

kai_status behave_resolve_for(const struct behave_options *options,
                              const struct behave_sequences *train,
                              struct behave_options *ret_options, kai_err *err) {
    struct behave_options resolved;
    kai_status st = behave_resolve(options, &resolved, err);
    if (!st) st = behave_check(train, resolved.item_count, err);
    if (st) return st;
    int64_t events = train->sequence_count ? train->offsets[train->sequence_count] : 0, known = 0;
    for (int64_t e = 0; train->times && e < events; e++)
        known += train->times[e] != BEHAVE_TIME_UNKNOWN;
    if (resolved.times == 0) resolved.times = 2 * known > events ? 1 : -1;
    *ret_options = resolved;
    return KAI_OK;
}

kai_status behave_check(const struct behave_sequences *all, int32_t item_count, kai_err *err) {
    if (all->sequence_count < 0 || (all->sequence_count > 0 && all->offsets[0] != 0))
        return err_set(err, KAI_INVALID, "behaviour model: sequences do not begin at 0");
    for (int64_t s = 0; s < all->sequence_count; s++) {
        if (all->offsets[s + 1] < all->offsets[s])
            return err_set(err, KAI_INVALID, "behaviour model: sequence %lld ends before it begins",
                           (long long)s);
        kai_status st = check_sequence(all, s, item_count, err);
        if (st) return st;
    }
    return KAI_OK;
}
