#include "report/words.h"

#include <string.h>

#include "base/err.h"

/* {0} and {1} are the confidence and the goal, except where a sentence brings its own texts. */
const struct word WORDS[] = {
    {"kicker", {"Kairos · Campaign report", "Kairos · 营销活动报告"}},
    {"untitled", {"Campaign", "营销活动"}},
    {"goal-profit", {"profit", "利润"}},
    {"goal-value", {"value", "价值"}},
    {"meta-rows", {"{0} customers", "{0} 位客户"}},
    {"meta-goal", {"goal: {1}", "目标：{1}"}},
    {"meta-confidence", {"intervals at {0}", "区间置信水平 {0}"}},
    {"meta-seed", {"seed {0}", "随机种子 {0}"}},
    {"low-to-high", {"{0} to {1}", "{0} 至 {1}"}},

    {"card-worth", {"Expected {1} of the plan", "计划的预期{1}"}},
    {"card-interval", {"{0} interval: {1} to {2}", "{0} 区间：{1} 至 {2}"}},
    {"card-worth-note",
     {"More than treating nobody, for {0} eligible customers. Estimated on past customers that the "
      "models had not seen; market factors not included.",
      "相对于不触达任何人的增量，共 {0} "
      "位符合条件的客户。在模型未见过的历史客户上估计，不含市场因子。"}},
    {"pill-gain", {"above zero", "高于零"}},
    {"pill-loss", {"below zero", "低于零"}},
    {"pill-unsure", {"not sure: zero is inside", "不确定：区间包含零"}},
    {"card-rival", {"Best baseline", "最佳基线"}},
    {"card-rival-budget", {"Best baseline within the budget", "预算内的最佳基线"}},
    {"pill-over", {"over budget", "超出预算"}},
    {"card-rival-note", {"Treats {0} of the customers.", "触达 {0} 的客户。"}},
    {"card-treated", {"Customers treated", "触达客户"}},
    {"card-treated-note", {"{0} of {1} eligible", "占 {1} 位符合条件客户的 {0}"}},
    {"card-cost", {"Cost of the plan", "计划成本"}},
    {"card-cost-note", {"Of a budget of {0}.", "预算 {0}。"}},
    {"card-gap", {"Distance to the best plan, at most", "与最优计划的差距（上限）"}},
    {"card-gap-note",
     {"By the models, no plan within the limits can be worth more than {0}.",
      "按模型计算，在限制之内任何计划的价值都不超过 {0}。"}},

    {"warnings", {"Read this first", "请先阅读"}},

    {"policies-title", {"What the plan is worth", "计划值多少"}},
    {"policies-lead",
     {"The {1} of the plan and of simpler policies, over treating nobody. An interval that includes "
      "zero means that the data cannot tell the policy from doing nothing.",
      "计划与更简单策略相对于“不触达任何人”的{1}。区间包含零，表示数据无法区分该策略与什么都不做。"}},
    {"policy", {"Policy", "策略"}},
    {"everybody", {"Everybody: ", "全部客户："}},
    {"treated-share", {"Treated", "触达比例"}},
    {"total", {"Total", "合计"}},
    {"interval", {"{0} interval", "{0} 区间"}},
    {"per-customer", {"Per customer", "每位客户"}},
    {"effective-sample", {"Effective sample", "有效样本"}},
    {"estimators-title",
     {"The same by four estimators, per customer", "四种估计方法的结果（每位客户）"}},
    {"estimator", {"Estimator", "估计方法"}},
    {"rows", {"Rows", "行数"}},
    {"table-title", {"Numbers of the chart", "图中数据"}},

    {"plan-title", {"The plan, by offer and channel", "按优惠与渠道划分的计划"}},
    {"plan-treated",
     {"{0} of {1} eligible customers get an offer.", "{1} 位符合条件的客户中，{0} 位获得优惠。"}},
    {"plan-held-out",
     {"{0} customers are held out untreated, so that the effect can be proven afterwards.",
      "另有 {0} 位客户作为对照不触达，以便事后验证效果。"}},
    {"plan-no-consent",
     {"{0} customers gave no consent and are never contacted.",
      "{0} 位客户未给予同意，绝不联系。"}},
    {"plan-proof",
     {"By the models, market factors included, the plan adds {0} of {3}; no plan within the limits "
      "can add more than {1} (gap {2}).",
      "按模型计算（含市场因子），该计划带来 {0} 的{3}；在限制之内，任何计划都不会超过 {1}（差距 "
      "{2}）。"}},
    {"offer", {"Offer", "优惠"}},
    {"channel", {"Channel", "渠道"}},
    {"customers", {"Customers", "客户数"}},
    {"cost", {"Cost", "成本"}},
    {"plan-value", {"Expected {1}", "预期{1}"}},

    {"frontier-title", {"{1} against budget", "预算与{1}"}},
    {"frontier-lead",
     {"The best plan at each budget. Where the curve flattens, more money finds no customer who pays "
      "for it.",
      "每个预算下的最优计划。曲线变平之处，更多的钱已找不到值得投入的客户。"}},
    {"budget", {"Budget", "预算"}},
    {"bound", {"Upper bound", "上界"}},

    {"limits-title", {"Limits and what they cost", "限制及其代价"}},
    {"limits-lead",
     {"The shadow price says what one more unit of a limit would earn.",
      "影子价格表示某项限制每放宽一个单位所能带来的收益。"}},
    {"limit-fairness", {"Largest treated-share gap", "触达比例最大差距"}},
    {"limit-name", {"Limit", "限制"}},
    {"used", {"Used", "已用"}},
    {"limit", {"At most", "上限"}},
    {"use", {"Use", "使用率"}},
    {"price", {"Shadow price", "影子价格"}},
    {"price-budget", {"One more unit of budget earns {0}.", "预算每增加一个单位，可多得 {0}。"}},
    {"price-other", {"One more place earns {0}.", "每增加一个名额，可多得 {0}。"}},
    {"price-gap",
     {"One more percentage point earns {0}.", "允许差距每放宽一个百分点，可多得 {0}。"}},
    {"price-none",
     {"Does not bind: more of it would earn nothing.", "未起约束作用：放宽不会带来收益。"}},

    {"arms-title", {"What was tried, and what happened", "过去的试验与结果"}},
    {"arms-lead",
     {"Plain means of the past campaign, and the difference of each offer from the control group.",
      "以往活动的简单均值，以及各优惠与对照组之差。"}},
    {"arm", {"Group", "组别"}},
    {"mean", {"Mean", "均值"}},
    {"against", {"Against control", "与对照之差"}},

    {"uplift-title",
     {"Qini curves: does the model rank customers well?", "Qini 曲线：模型能否正确排序客户？"}},
    {"uplift-lead",
     {"Customers sorted by predicted effect, the most responsive first: the gain of treating the top "
      "share, against treating the same share at random.",
      "按预测效果从高到低排列客户：触达前若干比例客户的增益，与随机触达同样比例的比较。"}},
    {"share", {"Share treated", "触达比例"}},
    {"gain", {"Gain per customer", "每位客户增益"}},
    {"qini", {"Qini", "Qini 系数"}},
    {"auuc", {"Area under the curve", "曲线下面积"}},

    {"calibration-title",
     {"Calibration: are the predicted effects right?", "校准：预测的效果准确吗？"}},
    {"calibration-lead",
     {"Customers in groups of rising predicted effect, and the effect that was observed in each. On "
      "the diagonal the prediction is right.",
      "按预测效果分组的客户，以及各组实际观察到的效果。落在对角线上即预测准确。"}},
    {"predicted", {"Predicted effect", "预测效果"}},
    {"observed", {"Observed effect", "观察效果"}},
    {"slope", {"Slope (1 is right)", "斜率（1 为准确）"}},
    {"bias", {"Bias (0 is right)", "偏差（0 为准确）"}},

    {"reasons-title", {"The strongest reasons", "最重要的原因"}},
    {"reasons-lead",
     {"How much each column moves the predicted effect, on average over the customers.",
      "各列对预测效果的平均影响程度。"}},
    {"column", {"Column", "列"}},
    {"mean-effect", {"Mean influence", "平均影响"}},

    {"fairness-title", {"Fairness by group", "各群体的公平性"}},
    {"fairness-lead",
     {"These columns are never features. They are audited: who is treated, who gets the value, and "
      "whether the predicted effects hold in each group.",
      "这些列从不作为特征，只用于审计：谁被触达、价值归谁，以及预测效果在各群体中是否成立。"}},
    {"fairness-gap",
     {"Largest difference in treated share: {0} ({1} to {2}).",
      "触达比例的最大差异：{0}（{1} 至 {2}）。"}},
    {"fairness-limit", {"The campaign allows {0}.", "活动允许 {0}。"}},
    {"pill-above", {"above the limit", "超过限制"}},
    {"pill-within", {"within the limit", "在限制之内"}},
    {"pill-four-fifths", {"lowest group under 4/5 of the highest", "最低群体不足最高群体的 4/5"}},
    {"pill-small", {"small", "样本小"}},
    {"pill-miscalibrated", {"effect off", "效果偏离"}},
    {"group", {"Group", "群体"}},
    {"population", {"Of all", "人口占比"}},
    {"value-share", {"Of value", "价值占比"}},

    {"data-title", {"Data quality", "数据质量"}},
    {"data-lead",
     {"What was read, what was repaired, and what the models never saw.",
      "读取了什么、修复了什么，以及模型从未看到什么。"}},
    {"input", {"Input", "输入"}},
    {"file", {"File", "文件"}},
    {"columns", {"Columns", "列数"}},
    {"cleaning-title", {"Cleaning", "清洗"}},
    {"step", {"Step", "步骤"}},
    {"count", {"Count", "数量"}},
    {"where", {"Where", "位置"}},
    {"left-out-title", {"Columns left out, and why", "未使用的列及原因"}},
    {"reason", {"Reason", "原因"}},
    {"shift-title",
     {"Columns that differ between history and customers", "历史与当前客户之间有差异的列"}},
    {"shift-size", {"Shift", "偏移"}},
    {"psi", {"Stability index", "稳定性指数"}},
    {"p-value", {"p", "p 值"}},

    {"models-title", {"Which model each fold chose", "各折选择的模型"}},
    {"models-lead",
     {"Each fold chooses its learner by off-policy value inside its own training part; the fold "
      "itself only evaluates.",
      "每一折在自己的训练部分内按离线策略价值选择学习器；该折本身只用于评估。"}},
    {"propensity", {"Propensities", "倾向得分"}},
    {"learner", {"Learner", "学习器"}},
    {"features", {"Features", "特征"}},
    {"fold-heading", {"Fold", "折"}},
    {"chosen-value", {"Value in training", "训练部分内的价值"}},
    {"candidate", {"Candidate", "候选"}},
    {"candidates-title",
     {"Value of each candidate inside the training part", "训练部分内各候选的价值"}},
    {"shrink", {"effects scaled to {0}", "效果缩放至 {0}"}},
    {"over", {"{0} over {1}", "{0}，基于 {1}"}},
    {"learner-constant", {"Average effect", "平均效果"}},
    {"learner-s", {"S-learner", "S-学习器"}},
    {"learner-t", {"T-learner", "T-学习器"}},
    {"learner-x", {"X-learner", "X-学习器"}},
    {"learner-blend", {"Blend of learners", "学习器混合"}},
    {"learner-dr", {"DR-learner", "DR-学习器"}},
    {"base-ridge", {"ridge regression", "岭回归"}},
    {"base-forest", {"forest", "随机森林"}},
    {"base-boost", {"boosted trees", "提升树"}},
    {"line", {"Line", "行号"}},
    {"quarantine-title", {"Rows set aside (the first ones)", "被隔离的行（前若干行）"}},
    {"fold", {"Fold {0}", "第 {0} 折"}},

    {"methods-title", {"How each number was computed", "各数字的计算方法"}},
    {"how-effects", {"Effects", "效果"}},
    {"how-effects-text",
     {"The change that an offer makes in the outcome of a customer like this one. Models are "
      "cross-fitted: a customer of the history is always scored by models that never saw that "
      "customer.",
      "某项优惠对此类客户结果的改变。模型采用交叉拟合：历史客户总是由从未见过该客户的模型评分。"}},
    {"how-value", {"Value of a policy", "策略价值"}},
    {"how-value-text",
     {"Doubly robust: the models' prediction, corrected by what happened to those past customers who "
      "happened to get what the policy would give. It is right when either the models or the "
      "propensities are. Inverse propensity weighting (plain and self-normalised) uses only what "
      "happened, the direct method only the models; where the four disagree, trust the intervals.",
      "双重稳健估计：以模型预测为基础，再用恰好得到该策略所给优惠的历史客户的实际结果校正。只要模型"
      "或倾向得分之一正确，结果就正确。逆倾向加权（普通与自归一化）只用实际结果，直接法只用模型；"
      "四者不一致时，请以区间为准。"}},
    {"how-interval", {"Intervals", "区间"}},
    {"how-interval-text",
     {"At {0}: if the whole study were repeated many times, about this share of such intervals would "
      "hold the true number. They carry the chance in the data. They do not carry a market that "
      "changes after the history ends.",
      "置信水平 {0}：若整个研究重复多次，约有这一比例的区间会包含真值。区间反映数据中的偶然性，"
      "不反映历史结束之后的市场变化。"}},
    {"how-plan", {"The plan and its bound", "计划与上界"}},
    {"how-plan-text",
     {"Who gets what is chosen by Lagrangian dual decomposition with a feasible rounding: the limits "
      "hold exactly, and the dual value is a proof that no other plan can be worth more than the "
      "bound.",
      "用拉格朗日对偶分解并作可行取整来决定谁得到什么：所有限制严格成立，对偶值证明任何其他计划的价"
      "值都不会超过上界。"}},
    {"how-price", {"Shadow prices", "影子价格"}},
    {"how-price-text",
     {"The dual variable of a limit: the gain from the next unit, not from many. It is zero where "
      "the limit does not bind.",
      "限制的对偶变量：下一个单位的收益，而不是很多单位的收益。限制不起约束作用时为零。"}},
    {"how-qini", {"Uplift and Qini", "增益与 Qini"}},
    {"how-qini-text",
     {"The curve shows the gain when a growing share is treated in the order of predicted effect. "
      "Qini is the area between it and the line of random treatment: zero means that the order is "
      "worth nothing.",
      "曲线表示按预测效果顺序触达越来越多客户时的增益。Qini "
      "是它与随机触达直线之间的面积：为零表示排序毫无价值。"}},
    {"how-calibration", {"Calibration", "校准"}},
    {"how-calibration-text",
     {"Slope 1 and bias 0 mean that an effect of 0.20 really is 0.20. A slope under 1 says that high "
      "predictions are too high.",
      "斜率为 1、偏差为 0 表示预测的 0.20 的确是 0.20。斜率小于 1 说明高的预测过高。"}},
    {"how-reasons", {"Reasons", "原因"}},
    {"how-reasons-text",
     {"Exact Shapley values of one tree model; where the effect model is not one, of a tree model "
      "fitted to its scores, whose R² says how well it speaks for it.",
      "单棵树模型的精确 Shapley 值；若效果模型并非如此，则取自拟合其评分的树模型，R² "
      "表示其代表程度。"}},
    {"how-fairness", {"Fairness", "公平性"}},
    {"how-fairness-text",
     {"The gap is the treated share of the most treated group minus that of the least treated. "
      "Observed effects come from the history alone, so small groups have wide intervals.",
      "差距为触达比例最高群体与最低群体之差。观察效果仅来自历史数据，因此小群体的区间较宽。"}},
    {"how-leaks", {"Leaks", "泄漏"}},
    {"how-leaks-text",
     {"A column that differs between randomised groups beyond chance may be an outcome in disguise; "
      "it is left out unless the campaign lists it by name.",
      "在随机分组之间差异超出偶然的列，可能是变相的结果；除非活动明确列出，否则不使用。"}},
    {"how-limits", {"What this page cannot tell", "本页无法说明的事"}},
    {"how-limits-text",
     {"Past effects carry over only if customers, offers and market stay alike. Keep the held-out "
      "customers untreated, and compare afterwards.",
      "只有当客户、优惠与市场保持相似时，过去的效果才会延续。请保持对照客户不触达，事后再作比较。"}},
    {"footer",
     {"Written by Kairos {0}. This page holds all its numbers and loads nothing from elsewhere.",
      "由 Kairos {0} 生成。本页包含全部数据，不从其他地方加载任何内容。"}},

    {"chart-interval", {"{0} interval", "{0} 区间"}},
    {"chart-to", {"to", "至"}},
    {"chart-total", {"Total {1} over treating nobody", "相对于不触达的{1}合计"}},
    {"chart-per-customer", {"per customer", "每位客户"}},
    {"chart-treated", {"Treated", "触达比例"}},
    {"chart-customers", {"Customers", "客户数"}},
    {"chart-cost", {"Cost", "成本"}},
    {"chart-value", {"Expected {1}", "预期{1}"}},
    {"chart-budget", {"Budget", "预算"}},
    {"chart-bound", {"Upper bound", "上界"}},
    {"chart-today", {"today: {0}", "当前：{0}"}},
    {"chart-share", {"Share of customers treated", "触达客户比例"}},
    {"chart-gain", {"Gain per customer", "每位客户增益"}},
    {"chart-model", {"By predicted effect", "按预测效果"}},
    {"chart-random", {"At random", "随机"}},
    {"chart-predicted", {"Predicted effect", "预测效果"}},
    {"chart-observed", {"Observed effect", "观察效果"}},
    {"chart-influence", {"Mean influence on the effect", "对效果的平均影响"}},
    {"chart-treated-share", {"Treated share", "触达比例"}},
    {"chart-diagonal", {"Prediction is right", "预测准确"}},
    {"chart-rows", {"Rows", "行数"}},
};
const size_t WORDS_COUNT = sizeof WORDS / sizeof *WORDS;

const struct word PHRASES[] = {
    {"plan", {"This plan", "本计划"}},
    {"nobody", {"Nobody", "不触达任何人"}},
    {"random within budget", {"Random within budget", "预算内随机"}},
    {"best offer by predicted response",
     {"Best offer by predicted response", "按预测响应的最佳优惠"}},
    {"best single offer by predicted response",
     {"Best single offer by predicted response", "按预测响应的最佳单一优惠"}},
    {"dr", {"Doubly robust", "双重稳健"}},
    {"snipw", {"Self-normalised weighting", "自归一化加权"}},
    {"ipw", {"Inverse propensity weighting", "逆倾向加权"}},
    {"dm", {"Direct method", "直接法"}},
    {"exact Shapley values of tree models of depth 6 that imitate the effects",
     {"Exact Shapley values of tree models of depth 6 that imitate the effects",
      "模仿效果的深度 6 树模型的精确 Shapley 值"}},
    {"exact Shapley values of the effect models",
     {"Exact Shapley values of the effect models", "效果模型的精确 Shapley 值"}},
    {"uniform", {"uniform (randomised)", "均匀（随机化）"}},
    {"estimate", {"estimated from the history", "由历史估计"}},
    {"customers", {"Customers", "客户"}},
    {"history", {"History", "历史"}},
    {"market", {"Market", "市场"}},
    {"rows", {"Rows cleaned", "清洗行数"}},
    {"rows_read", {"Rows read", "读取行数"}},
    {"rows_kept", {"Rows kept", "保留行数"}},
    {"rows_quarantined", {"Rows set aside", "隔离行数"}},
    {"history_rows_used", {"Rows of the history that count", "计入分析的历史行数"}},
    {"learn_rows", {"Rows the recipe learned from", "用于学习预处理的行数"}},
    {"read", {"Reading", "读取"}},
    {"missing", {"Missing values filled", "填补的缺失值"}},
    {"impossible", {"Impossible values", "不可能的值"}},
    {"outliers", {"Outliers", "离群值"}},
    {"rare_levels", {"Rare categories merged", "合并的稀有类别"}},
    {"rare_rows", {"Rows of rare categories", "稀有类别的行"}},
    {"rare_rows_min", {"Smallest category that is kept", "保留类别的最小行数"}},
    {"equal_rows", {"Equal rows (kept)", "相同的行（保留）"}},
    {"equal_keys", {"Rows of an equal key", "键相同的行"}},
    {"dropped", {"Duplicates dropped", "删除的重复行"}},
    {"constant", {"Constant: it says nothing", "恒定列：不含信息"}},
    {"identifier", {"Identifier: one value a row", "标识列：每行一个值"}},
    {"empty", {"Empty", "空列"}},
    {"text", {"Free text", "自由文本"}},
    {"fields", {"wrong number of fields", "字段数错误"}},
    {"quote", {"damaged quote", "引号损坏"}},
    {"encoding", {"wrong encoding", "编码错误"}},
    {"nul", {"zero byte", "零字节"}},
    {"length", {"too long", "过长"}},
    {"number", {"text in numbers", "数字列中有文本"}},
    {"date", {"text in dates", "日期列中有文本"}},
    {"flag", {"text in flags", "标志列中有文本"}},
    {"slight", {"slight", "轻微"}},
    {"moderate", {"moderate", "中等"}},
    {"large", {"large", "较大"}},
    {"strong", {"strong", "较大"}},
    {"differs between the arms beyond chance: it may be an outcome",
     {"Differs between the arms beyond chance: it may be an outcome",
      "在各组之间的差异超出偶然：可能是结果"}},
    {"over 1 % of the rows have a propensity below 0.01",
     {"over 1% of the rows have a propensity below 0.01", "超过 1% 的行倾向得分低于 0.01"}},
    {"the largest 1 % of the weights hold over 10 % of all weight",
     {"the largest 1% of the weights hold over 10% of all weight",
      "最大的 1% 权重占全部权重的 10% 以上"}},
    {"the effective sample is below 100 or 5 % of the rows",
     {"the effective sample is below 100 or 5% of the rows", "有效样本不足 100 行或总行数的 5%"}},
    {"the mean weight is not 1: the propensities are wrong",
     {"the mean weight is not 1: the propensities are wrong", "平均权重不为 1：倾向得分有误"}},
};
const size_t PHRASES_COUNT = sizeof PHRASES / sizeof *PHRASES;

const struct word TEMPLATES[] = {
    {"{0} rows of '{1}' were set aside as unreadable",
     {"{0} rows of {1} were set aside as unreadable", "{1} 中有 {0} 行无法读取，已被隔离"}},
    {"{0} rows of the history have an action that is no offer; they are left out",
     {"{0} rows of the history have an action that is no offer; they are left out",
      "历史中有 {0} 行的动作不属于任何优惠，未计入"}},
    {"column '{0}' is left out: it differs between the arms beyond chance ({1}, p = {2}) and may be "
     "an outcome; list it in 'features' to keep it",
     {"Column {0} is left out: it differs between the arms beyond chance ({1}, p = {2}) and may be "
      "an outcome. List it in “features” to keep it",
      "列 {0} 未使用：它在各组之间的差异超出偶然（{1}，p = {2}），可能是结果。若要保留，请列入 "
      "“features”"}},
    {"feature '{0}' differs between the arms beyond chance ({1}, p = {2}): it may be an outcome; it "
     "stays because the campaign lists it",
     {"Feature {0} differs between the arms beyond chance ({1}, p = {2}): it may be an outcome. It "
      "stays because the campaign lists it",
      "特征 {0} 在各组之间的差异超出偶然（{1}，p = {2}）：可能是结果。因活动明确列出而保留"}},
    {"column '{0}' has shifted from history to customers (stability index {1}, {2}): effects may not "
     "carry over",
     {"Column {0} has shifted from history to customers (stability index {1}, {2}): effects may not "
      "carry over",
      "列 {0} 在历史与当前客户之间发生偏移（稳定性指数 {1}，{2}）：效果可能无法延续"}},
    {"{0} pairs of customer and offer have no market factor and take the default {1}",
     {"{0} pairs of customer and offer have no market factor and take the default {1}",
      "{0} 个客户与优惠的组合没有市场因子，采用默认值 {1}"}},
    {"group '{0}' of '{1}' has {2} customers: too few for the fairness limit{3}",
     {"Group {0} of {1} has {2} customers: too few for the fairness limit{3}",
      "{1} 的群体 {0} 只有 {2} 位客户：不足以执行公平限制"}},
    {"overlap is poor: the plan's value rests on {0} effective rows of {1}",
     {"Overlap is poor: the plan's value rests on {0} effective rows of {1}",
      "重叠不足：计划的价值仅依据 {1} 行中的 {0} 个有效行"}},
    {"the propensities look wrong: the plan's weights average {0} instead of 1",
     {"The propensities look wrong: the plan's weights average {0} instead of 1",
      "倾向得分似乎有误：计划的权重均值为 {0} 而不是 1"}},
    {"history holds one action a customer: only the best offer of each customer is evaluated",
     {"The history holds one action a customer: only the best offer of each customer is evaluated",
      "历史中每位客户只有一个动作：只评估每位客户的最佳优惠"}},
};
const size_t TEMPLATES_COUNT = sizeof TEMPLATES / sizeof *TEMPLATES;

static const char *find(const struct word *table, size_t count, enum word_lang lang,
                        const char *key) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].key, key) == 0) return table[i].text[lang];
    return NULL;
}

const char *word_find(enum word_lang lang, const char *key) {
    const char *text = find(WORDS, WORDS_COUNT, lang, key);
    KAI_ASSERT(text);
    return text ? text : key;
}

const char *word_phrase(enum word_lang lang, const char *text) {
    return find(PHRASES, PHRASES_COUNT, lang, text);
}

/* Each part ends where the literal after it first stands. */
static int fits(const char *template, const char *text, const char *parts[WORD_PARTS],
                size_t sizes[WORD_PARTS]) {
    size_t literal = strcspn(template, "{");
    if (strncmp(template, text, literal) != 0) return 0;
    template += literal;
    text += literal;
    for (int p = 0; p < WORD_PARTS && *template; p++) {
        template += 3; /* "{0}" */
        literal = strcspn(template, "{");
        size_t size = strlen(text);
        if (literal > 0) {
            for (size = 0; text[size] && strncmp(text + size, template, literal) != 0;) size++;
            if (!text[size]) return 0;
        }
        parts[p] = text;
        sizes[p] = size;
        template += literal;
        text += size + literal;
    }
    return !*template && !*text;
}

const char *word_template(enum word_lang lang, const char *text, const char *ret_parts[WORD_PARTS],
                          size_t ret_sizes[WORD_PARTS]) {
    const char *parts[WORD_PARTS] = {"", "", "", ""};
    size_t sizes[WORD_PARTS] = {0};
    for (size_t i = 0; i < TEMPLATES_COUNT; i++) {
        if (!fits(TEMPLATES[i].key, text, parts, sizes)) continue;
        memcpy(ret_parts, parts, sizeof parts);
        memcpy(ret_sizes, sizes, sizeof sizes);
        return TEMPLATES[i].text[lang];
    }
    return NULL;
}
