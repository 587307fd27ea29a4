/* A fitted effect model in use: predictions, description, bytes. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/effect_model.h"

enum { BLOCK_ROWS = 1024, FORMAT = 1 };
static const char MAGIC[8] = {'K', 'A', 'I', 'E', 'F', 'F', 'C', 'T'};

int32_t effect_offers(const struct effect_model *model) { return model->offers; }
enum effect_learner effect_kind(const struct effect_model *model) { return model->learner; }
enum effect_base effect_model_base(const struct effect_model *model) { return model->base; }
const double *effect_average(const struct effect_model *model) { return model->average; }

const struct effect_score *effect_scores(const struct effect_model *model, int32_t *ret_count) {
    *ret_count = model->score_count;
    return model->scores;
}

const struct model *effect_tree(const struct effect_model *model, int32_t offer, double *ret_scale,
                                double *ret_shift) {
    const struct effect_member *member = &model->members[0];
    if (model->member_count != 1 || !member->effect[offer] || !member->effect[offer]->forest)
        return NULL;
    *ret_scale = member->weight;
    *ret_shift = model->average[offer] - member->weight * member->centre[offer];
    return member->effect[offer]->forest;
}

/* ---- prediction ---- */

struct predict_run {
    const struct effect_model *model;
    const struct matrix *features;
    const int64_t *row_ids;
    int64_t row_count;
    double *effects, *outcomes;
};

/* Values of the parts that a block needs. */
struct block {
    int64_t ids[BLOCK_ROWS];
    int64_t count;
    double left[BLOCK_ROWS], right[BLOCK_ROWS], common[BLOCK_ROWS];
};

static kai_status add_member(const struct predict_run *run, struct block *block,
                             const struct effect_member *member, double *effects, kai_err *err) {
    const struct effect_model *model = run->model;
    struct effect_answer answer = effect_answer_of(model, member, 0);
    kai_status st = KAI_OK;
    memset(block->right, 0, sizeof block->right);
    if (answer.less)
        st = effect_part_predict(answer.less, run->features, block->ids, block->count, 0,
                                 block->right, err);
    for (int32_t k = 0; !st && k < model->offers; k++) {
        answer = effect_answer_of(model, member, k);
        st = effect_part_predict(answer.part, run->features, block->ids, block->count, k + 1,
                                 block->left, err);
        for (int64_t i = 0; !st && i < block->count; i++)
            effects[i * model->offers + k] +=
                member->weight * (block->left[i] - block->right[i] - member->centre[k]);
    }
    return st;
}

static kai_status fill_effects(const struct predict_run *run, struct block *block, double *effects,
                               kai_err *err) {
    const struct effect_model *model = run->model;
    kai_status st = KAI_OK;
    for (int64_t i = 0; i < block->count; i++)
        memcpy(effects + i * model->offers, model->average,
               (size_t)model->offers * sizeof *effects);
    for (int32_t m = 0; !st && m < model->member_count; m++)
        st = add_member(run, block, &model->members[m], effects, err);
    return st;
}

static kai_status fill_outcomes(const struct predict_run *run, struct block *block,
                                double *outcomes, kai_err *err) {
    const struct effect_model *model = run->model;
    int32_t arms = model->offers + 1;
    kai_status st = effect_part_predict(model->baseline, run->features, block->ids, block->count, 0,
                                        block->common, err);
    for (int32_t a = 0; !st && a < arms; a++) {
        st = effect_part_predict(model->arm[a], run->features, block->ids, block->count, 0,
                                 block->left, err);
        for (int64_t i = 0; !st && i < block->count; i++)
            outcomes[i * arms + a] = block->common[i] + block->left[i];
    }
    return st;
}

static kai_status predict_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    const struct predict_run *run = user;
    int64_t first = item * BLOCK_ROWS;
    struct block *block = mem_alloc(sizeof *block);
    if (!block) return err_memory(err, sizeof *block);
    block->count = run->row_count - first < BLOCK_ROWS ? run->row_count - first : BLOCK_ROWS;
    for (int64_t i = 0; i < block->count; i++)
        block->ids[i] = run->row_ids ? run->row_ids[first + i] : first + i;
    kai_status st = fill_effects(run, block, run->effects + first * run->model->offers, err);
    if (!st && run->outcomes)
        st = fill_outcomes(run, block, run->outcomes + first * (run->model->offers + 1), err);
    mem_free(block);
    return st;
}

kai_status effect_predict(const struct effect_model *model, const struct matrix *features,
                          const int64_t *row_ids, int64_t row_count, struct pool *pool,
                          double *ret_effects, double *ret_outcomes, kai_err *err) {
    if (features->columns != model->columns)
        return err_set(err, KAI_INVALID, "effects were learned from %d columns, got %d",
                       model->columns, features->columns);
    if (!row_ids) row_count = features->rows;
    struct predict_run run = {model, features, row_ids, row_count, ret_effects, ret_outcomes};
    return pool_run(pool, (row_count + BLOCK_ROWS - 1) / BLOCK_ROWS, predict_block, &run, err);
}

/* ---- description ---- */

void effect_describe(const struct effect_model *model, struct json_writer *json) {
    json_key_text(json, "learner", effect_learner_text(model->learner));
    json_key_text(json, "base", effect_base_text(model->base));
    json_key(json, "members");
    json_array(json);
    for (int32_t m = 0; m < model->member_count; m++) {
        json_object(json);
        json_key_text(json, "learner", effect_learner_text(model->members[m].learner));
        json_key_text(json, "base", effect_base_text(model->members[m].base));
        json_key_f64(json, "weight", model->members[m].weight);
        json_end(json);
    }
    json_end(json);
    json_key(json, "average");
    json_array(json);
    for (int32_t k = 0; k < model->offers; k++) json_f64(json, model->average[k]);
    json_end(json);
    json_key(json, "candidates");
    json_array(json);
    for (int32_t c = 0; c < model->score_count; c++) {
        const struct effect_score *score = &model->scores[c];
        json_object(json);
        json_key_text(json, "learner", effect_learner_text(score->learner));
        json_key_text(json, "base", effect_base_text(score->base));
        json_key_f64(json, "shrink", score->shrink);
        json_key_f64(json, "value", score->value);
        json_key_f64(json, "value_se", score->value_se);
        json_key_f64(json, "behind", score->behind);
        json_key_f64(json, "behind_se", score->behind_se);
        json_key_f64(json, "loss_gain", score->loss_gain);
        json_key_bool(json, "chosen", score->is_chosen);
        json_end(json);
    }
    json_end(json);
}

/* ---- bytes ---- */

static void put_scores(const struct effect_model *model, struct bytes_writer *writer) {
    bytes_put_i64(writer, model->score_count);
    for (int32_t c = 0; c < model->score_count; c++) {
        const struct effect_score *score = &model->scores[c];
        bytes_put_i32(writer, (int32_t)score->learner);
        bytes_put_i32(writer, (int32_t)score->base);
        bytes_put_i32(writer, score->is_chosen);
        const double values[] = {score->shrink, score->value,     score->value_se,
                                 score->behind, score->behind_se, score->loss_gain};
        bytes_put_f64s(writer, values, 6);
    }
}

static void get_scores(struct effect_model *model, struct bytes_reader *reader) {
    model->score_count = (int32_t)bytes_get_count(reader, EFFECT_CANDIDATES_MAX, 60);
    for (int32_t c = 0; c < model->score_count; c++) {
        struct effect_score *score = &model->scores[c];
        int32_t learner = bytes_get_i32(reader), base = bytes_get_i32(reader);
        if (learner < 0 || learner >= EFFECT_LEARNERS || base < 0 || base >= EFFECT_BASES) {
            bytes_refuse(reader);
            return;
        }
        score->learner = (enum effect_learner)learner;
        score->base = (enum effect_base)base;
        score->is_chosen = bytes_get_i32(reader);
        score->shrink = bytes_get_f64(reader);
        score->value = bytes_get_f64(reader);
        score->value_se = bytes_get_f64(reader);
        score->behind = bytes_get_f64(reader);
        score->behind_se = bytes_get_f64(reader);
        score->loss_gain = bytes_get_f64(reader);
    }
}

static void put_member(const struct effect_model *model, int32_t index,
                       struct bytes_writer *writer) {
    const struct effect_member *member = &model->members[index];
    bytes_put_i32(writer, (int32_t)member->learner);
    bytes_put_i32(writer, (int32_t)member->base);
    bytes_put_f64(writer, member->weight);
    bytes_put_f64s(writer, member->centre, model->offers);
    if (member->joint) effect_part_save(member->joint, writer);
    for (int32_t k = 0; k < model->offers; k++)
        if (member->effect[k]) effect_part_save(member->effect[k], writer);
}

kai_status effect_save(const struct effect_model *model, struct buf *out, kai_err *err) {
    struct bytes_writer writer;
    bytes_write(&writer, out);
    bytes_put_raw(&writer, MAGIC, sizeof MAGIC);
    bytes_put_i32(&writer, FORMAT);
    bytes_put_i32(&writer, model->offers);
    bytes_put_i32(&writer, model->columns);
    bytes_put_i32(&writer, (int32_t)model->learner);
    bytes_put_i32(&writer, (int32_t)model->base);
    bytes_put_f64s(&writer, model->average, model->offers);
    put_scores(model, &writer);
    effect_part_save(model->baseline, &writer);
    for (int32_t a = 0; a <= model->offers; a++) effect_part_save(model->arm[a], &writer);
    bytes_put_i64(&writer, model->member_count);
    for (int32_t m = 0; m < model->member_count; m++) put_member(model, m, &writer);
    return bytes_written(&writer, err);
}

static kai_status load_member(struct effect_model *model, struct bytes_reader *reader,
                              kai_err *err) {
    int32_t learner = bytes_get_i32(reader), base = bytes_get_i32(reader);
    double weight = bytes_get_f64(reader);
    if (learner <= EFFECT_CONSTANT || learner >= EFFECT_BLEND || base < 0 || base >= EFFECT_BASES ||
        !isfinite(weight))
        bytes_refuse(reader);
    kai_status st = bytes_done(reader, err);
    if (!st)
        st = effect_model_add(model, (enum effect_learner)learner, (enum effect_base)base, weight,
                              err);
    if (st) return st;
    struct effect_member *member = &model->members[model->member_count - 1];
    bytes_get_f64s(reader, member->centre, model->offers);
    for (int32_t k = 0; k < model->offers; k++)
        if (!isfinite(member->centre[k])) bytes_refuse(reader);
    if (learner == EFFECT_S) {
        st = effect_part_load(reader, model->columns, &member->joint, err);
        if (!st && (!member->joint->boost || member->joint->boost->arms != model->offers))
            bytes_refuse(reader);
    }
    for (int32_t k = 0; !st && k < model->offers; k++)
        if (learner == EFFECT_X || learner == EFFECT_DR)
            st = effect_part_load(reader, model->columns, &member->effect[k], err);
    return st;
}

static kai_status load_parts(struct effect_model *model, struct bytes_reader *reader,
                             kai_err *err) {
    kai_status st = effect_part_load(reader, model->columns, &model->baseline, err);
    for (int32_t a = 0; !st && a <= model->offers; a++)
        st = effect_part_load(reader, model->columns, &model->arm[a], err);
    int64_t members = bytes_get_count(reader, EFFECT_CANDIDATES_MAX, 16);
    for (int64_t m = 0; !st && m < members; m++) st = load_member(model, reader, err);
    if (!st) st = bytes_done(reader, err);
    return st;
}

static void check_numbers(const struct effect_model *model, struct bytes_reader *reader) {
    for (int32_t k = 0; k < model->offers; k++)
        if (!isfinite(model->average[k])) bytes_refuse(reader);
}

kai_status effect_load(const void *bytes, size_t size, struct effect_model **ret_model,
                       kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, bytes, size, "effect model");
    const void *magic = bytes_get_raw(&reader, sizeof MAGIC);
    if (!magic || memcmp(magic, MAGIC, sizeof MAGIC) != 0 || bytes_get_i32(&reader) != FORMAT)
        return err_set(err, KAI_CORRUPT, "not an effect model of this version");
    int32_t offers = bytes_get_i32(&reader), columns = bytes_get_i32(&reader);
    int32_t learner = bytes_get_i32(&reader), base = bytes_get_i32(&reader);
    if (offers < 1 || offers >= EFFECT_ARMS_MAX || columns < 0 || columns > 1 << 24 ||
        learner < 0 || learner >= EFFECT_LEARNERS || base < 0 || base >= EFFECT_BASES)
        return err_set(err, KAI_CORRUPT, "effect model: damaged header");
    struct effect_model *model = NULL;
    kai_status st = effect_model_new(offers, columns, &model, err);
    if (st) return st;
    model->learner = (enum effect_learner)learner;
    model->base = (enum effect_base)base;
    bytes_get_f64s(&reader, model->average, offers);
    get_scores(model, &reader);
    check_numbers(model, &reader);
    st = bytes_done(&reader, err);
    if (!st) st = load_parts(model, &reader, err);
    if (!st && reader.at != size) st = err_set(err, KAI_CORRUPT, "effect model: bytes left over");
    if (st)
        effect_free(model);
    else
        *ret_model = model;
    return st;
}
