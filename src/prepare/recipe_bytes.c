#include <math.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "prepare/recipe_parts.h"

/* docs/formats/recipe.md */
enum { RECIPE_VERSION = 1, GROUPS_MAX = 1 << 24, SOURCE_BYTES_MIN = 60, ITEM_BYTES_MIN = 24 };

static void save_levels(const struct recipe_levels *levels, struct bytes_writer *writer) {
    bytes_put_i64(writer, levels->count);
    for (int32_t g = 0; g < levels->count; g++) bytes_put_i64(writer, levels->rows[g]);
    bytes_put_i32(writer, levels->buckets);
    bytes_put_i32(writer, levels->missing);
    bytes_put_i32(writer, levels->other);
    bytes_put_i64(writer, levels->dict.count);
    for (int32_t c = 0; c < levels->dict.count; c++) {
        bytes_put_i64(writer, (int64_t)levels->dict.entries[c].size);
        bytes_put_raw(writer, levels->dict.entries[c].data, levels->dict.entries[c].size);
        bytes_put_i32(writer, levels->group_of[c]);
    }
}

static void save_feature(const struct recipe_feature *feature, struct bytes_writer *writer) {
    const struct recipe_scale *scale = &feature->scale;
    bytes_put_text(writer, feature->name);
    bytes_put_i32(writer, (int32_t)feature->encoding);
    bytes_put_i32(writer, feature->cardinality);
    bytes_put_i32(writer, feature->part);
    bytes_put_u8(writer, (uint8_t)scale->is_on);
    const double numbers[] = {scale->fill,      scale->center, scale->spread,     scale->mean,
                              scale->deviation, scale->clip,   feature->smoothing};
    bytes_put_f64s(writer, numbers, sizeof numbers / sizeof *numbers);
    bytes_put_i64(writer, feature->value_count);
    bytes_put_f64s(writer, feature->values, feature->value_count);
}

void recipe_save(const struct recipe *recipe, struct bytes_writer *writer) {
    bytes_put_i32(writer, RECIPE_VERSION);
    bytes_put_i32(writer, (int32_t)recipe->view);
    bytes_put_i64(writer, recipe->source_count);
    for (int32_t s = 0; s < recipe->source_count; s++) {
        const struct recipe_source *source = &recipe->sources[s];
        bytes_put_text(writer, source->name);
        bytes_put_i32(writer, (int32_t)source->kind);
        bytes_put_f64(writer, source->low);
        bytes_put_f64(writer, source->high);
        bytes_put_f64(writer, source->clip_low);
        bytes_put_f64(writer, source->clip_high);
        save_levels(&source->levels, writer);
    }
    bytes_put_i64(writer, recipe->item_count);
    for (int32_t i = 0; i < recipe->item_count; i++) {
        const struct recipe_item *item = &recipe->items[i];
        bytes_put_i32(writer, (int32_t)item->kind);
        bytes_put_i32(writer, item->source);
        bytes_put_i32(writer, item->other_source);
        bytes_put_i32(writer, item->is_fine);
        bytes_put_i64(writer, item->count);
        for (int32_t f = 0; f < item->count; f++) save_feature(&item->features[f], writer);
    }
}

static void refuse_unless(struct bytes_reader *reader, int is_good) {
    if (!is_good) bytes_refuse(reader);
}

/* Memory, or NULL where it ran out or a read failed before. */
static void *load_memory(const struct bytes_reader *reader, int64_t count, size_t bytes, int *oom) {
    if (reader->is_short) return NULL;
    void *memory = mem_zero((size_t)count + 1, bytes);
    if (!memory) *oom = 1;
    return memory;
}

static void load_dictionary(struct bytes_reader *reader, struct recipe_levels *levels, int *oom) {
    int64_t count = bytes_get_count(reader, GROUPS_MAX, 12);
    levels->group_of = load_memory(reader, count, sizeof *levels->group_of, oom);
    for (int64_t c = 0; levels->group_of && !reader->is_short && c < count; c++) {
        int64_t size = bytes_get_count(reader, CAPS_FIELD_BYTES, 1);
        const char *text = bytes_get_raw(reader, (size_t)size);
        int32_t code = -1;
        if (!text) return;
        if (dict_add(&levels->dict, (struct slice){text, (size_t)size}, &code, NULL)) *oom = 1;
        levels->group_of[c] = bytes_get_i32(reader);
        refuse_unless(reader,
                      code == c && levels->group_of[c] >= 0 && levels->group_of[c] < levels->count);
    }
}

static void load_levels(struct bytes_reader *reader, struct recipe_levels *levels, int *oom) {
    int64_t count = bytes_get_count(reader, GROUPS_MAX, sizeof(int64_t));
    levels->rows = load_memory(reader, count, sizeof *levels->rows, oom);
    if (!levels->rows) return;
    levels->count = (int32_t)count;
    for (int64_t g = 0; g < count; g++) {
        levels->rows[g] = bytes_get_i64(reader);
        refuse_unless(reader, levels->rows[g] >= 0);
    }
    levels->buckets = bytes_get_i32(reader);
    levels->missing = bytes_get_i32(reader);
    levels->other = bytes_get_i32(reader);
    refuse_unless(reader, levels->buckets >= 0 && levels->buckets <= (count ? count - 1 : 0));
    refuse_unless(reader, levels->missing >= -1 && levels->missing < (count ? count : 1));
    refuse_unless(reader, levels->other >= 0 && levels->other < (count ? count : 1));
    load_dictionary(reader, levels, oom);
}

static void load_source(struct bytes_reader *reader, struct recipe_source *source, int *oom) {
    source->name = bytes_get_text(reader);
    *oom |= !source->name && !reader->is_short;
    int32_t kind = bytes_get_i32(reader);
    refuse_unless(reader, kind >= 0 && kind <= COLUMN_TEXT);
    source->kind = (enum column_kind)(reader->is_short ? 0 : kind);
    source->low = bytes_get_f64(reader);
    source->high = bytes_get_f64(reader);
    source->clip_low = bytes_get_f64(reader);
    source->clip_high = bytes_get_f64(reader);
    refuse_unless(reader, source->low <= source->high && source->clip_low <= source->clip_high);
    load_levels(reader, &source->levels, oom);
    int wants_levels = source->kind == COLUMN_CATEGORY || source->kind == COLUMN_TEXT;
    refuse_unless(reader, wants_levels == (source->levels.count > 0));
}

static int is_date_part(enum recipe_encoding encoding) {
    return encoding >= ENCODE_YEAR && encoding <= ENCODE_DAYS;
}

/* Whether a feature may stand in an item, and its numbers can be. */
static int is_sound(const struct recipe_item *item, const struct recipe_source *source,
                    const struct recipe_feature *feature) {
    enum recipe_encoding encoding = feature->encoding;
    int32_t groups = source->levels.count;
    int is_table = encoding == ENCODE_RANK || encoding == ENCODE_MEAN || encoding == ENCODE_SHARE;
    int is_level = is_table || encoding == ENCODE_CODE || encoding == ENCODE_ONEHOT;
    if (feature->value_count != (is_table ? groups : 0)) return 0;
    if (is_level && item->kind != ITEM_LEVELS) return 0;
    if (is_date_part(encoding) && item->kind != ITEM_DATE) return 0;
    if (encoding == ENCODE_NUMBER && (item->kind == ITEM_LEVELS || item->kind == ITEM_DATE))
        return 0;
    int32_t cardinality = encoding == ENCODE_CODE ? groups : 0;
    int is_calendar = encoding == ENCODE_MONTH || encoding == ENCODE_WEEKDAY;
    int32_t calendar = encoding == ENCODE_MONTH ? 13 : 8;
    if (feature->cardinality != cardinality && !(is_calendar && feature->cardinality == calendar))
        return 0;
    if (encoding == ENCODE_CODE && source->levels.missing < 0) return 0;
    for (int32_t g = 0; g < feature->value_count; g++)
        if (!isfinite(feature->values[g])) return 0;
    const struct recipe_scale *scale = &feature->scale;
    if (!isfinite(feature->smoothing) || feature->smoothing < 0) return 0;
    if (!scale->is_on) return 1;
    return isfinite(scale->fill) && isfinite(scale->center) && isfinite(scale->mean) &&
           isfinite(scale->spread) && scale->spread >= 0 && isfinite(scale->deviation) &&
           scale->deviation > 0 && isfinite(scale->clip) && scale->clip > 0;
}

static void load_feature(struct bytes_reader *reader, const struct recipe_item *item,
                         const struct recipe_source *source, struct recipe_feature *feature,
                         int *oom) {
    feature->name = bytes_get_text(reader);
    *oom |= !feature->name && !reader->is_short;
    int32_t encoding = bytes_get_i32(reader);
    refuse_unless(reader, encoding >= 0 && encoding < ENCODE_KINDS);
    feature->encoding = (enum recipe_encoding)(reader->is_short ? 0 : encoding);
    feature->cardinality = bytes_get_i32(reader);
    feature->part = bytes_get_i32(reader);
    struct recipe_scale *scale = &feature->scale;
    scale->is_on = bytes_get_u8(reader);
    refuse_unless(reader, scale->is_on <= 1);
    scale->fill = bytes_get_f64(reader);
    scale->center = bytes_get_f64(reader);
    scale->spread = bytes_get_f64(reader);
    scale->mean = bytes_get_f64(reader);
    scale->deviation = bytes_get_f64(reader);
    scale->clip = bytes_get_f64(reader);
    feature->smoothing = bytes_get_f64(reader);
    int64_t count = bytes_get_count(reader, GROUPS_MAX, sizeof(double));
    feature->values = load_memory(reader, count, sizeof *feature->values, oom);
    if (!feature->values) return;
    feature->value_count = (int32_t)count;
    bytes_get_f64s(reader, feature->values, count);
    refuse_unless(reader, !reader->is_short && is_sound(item, source, feature));
}

/* Whether an item reads what its sources are. */
static int fits_sources(const struct recipe *recipe, const struct recipe_item *item) {
    int is_gap = item->kind == ITEM_GAP;
    if (item->source < 0 || item->source >= recipe->source_count) return 0;
    if (is_gap != (item->other_source >= 0) || item->other_source >= recipe->source_count) return 0;
    enum column_kind kind = recipe->sources[item->source].kind;
    if (is_gap && recipe->sources[item->other_source].kind != COLUMN_TIME) return 0;
    if ((kind == COLUMN_TIME) != (is_gap || item->kind == ITEM_DATE)) return 0;
    return (recipe->sources[item->source].levels.count > 0) == (item->kind == ITEM_LEVELS);
}

static void load_item(struct bytes_reader *reader, struct recipe *recipe, struct recipe_item *item,
                      int *oom) {
    int32_t kind = bytes_get_i32(reader);
    item->source = bytes_get_i32(reader);
    item->other_source = bytes_get_i32(reader);
    item->is_fine = bytes_get_i32(reader);
    refuse_unless(reader, kind >= 0 && kind < ITEM_KINDS);
    if (reader->is_short) return;
    item->kind = (enum recipe_item_kind)kind;
    refuse_unless(reader, fits_sources(recipe, item));
    int64_t count = bytes_get_count(reader, CAPS_COLUMNS - recipe->columns, 80);
    item->features = load_memory(reader, count, sizeof *item->features, oom);
    if (!item->features) return;
    item->first = recipe->columns;
    item->count = (int32_t)count;
    for (int32_t f = 0; !reader->is_short && !*oom && f < item->count; f++)
        load_feature(reader, item, &recipe->sources[item->source], &item->features[f], oom);
    recipe->columns += item->count;
}

static void load_body(struct bytes_reader *reader, struct recipe *recipe, int *oom) {
    refuse_unless(reader, bytes_get_i32(reader) == RECIPE_VERSION);
    int32_t view = bytes_get_i32(reader);
    refuse_unless(reader, view == RECIPE_TREE || view == RECIPE_DENSE);
    int64_t sources = bytes_get_count(reader, CAPS_COLUMNS, SOURCE_BYTES_MIN);
    refuse_unless(reader, sources > 0);
    recipe->view = view == RECIPE_DENSE ? RECIPE_DENSE : RECIPE_TREE;
    recipe->sources = load_memory(reader, sources, sizeof *recipe->sources, oom);
    if (!recipe->sources) return;
    recipe->source_count = (int32_t)sources;
    for (int32_t s = 0; !reader->is_short && !*oom && s < recipe->source_count; s++)
        load_source(reader, &recipe->sources[s], oom);
    int64_t items = bytes_get_count(reader, 2 * CAPS_COLUMNS, ITEM_BYTES_MIN);
    if (*oom || !(recipe->items = load_memory(reader, items, sizeof *recipe->items, oom))) return;
    recipe->item_count = (int32_t)items;
    for (int32_t i = 0; !reader->is_short && !*oom && i < recipe->item_count; i++)
        load_item(reader, recipe, &recipe->items[i], oom);
    refuse_unless(reader, recipe->columns > 0);
}

kai_status recipe_load(struct bytes_reader *reader, struct recipe **ret_recipe, kai_err *err) {
    struct recipe *recipe = mem_zero(1, sizeof *recipe);
    if (!recipe) return err_memory(err, sizeof *recipe);
    int oom = 0;
    load_body(reader, recipe, &oom);
    kai_status st = oom ? err_memory(err, (int64_t)reader->size) : bytes_done(reader, err);
    if (st) {
        recipe_free(recipe);
        return st;
    }
    *ret_recipe = recipe;
    return KAI_OK;
}
