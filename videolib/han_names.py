"""Chinese surnames and syllables: what a name looks like in Han characters and in pinyin."""

from __future__ import annotations

import functools
import re

from pypinyin import Style, lazy_pinyin

# the surnames of more than 99 of 100 people
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石"
    "廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟"
    "殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁房滕屈饶解牟艾尤阳时穆农"
    "司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池"
    "查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国"
    "狄平计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利于呼"
    "居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由"
)
_COMPOUND_SURNAMES_TEXT = """
欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 长孙 宇文 夏侯 轩辕 端木 百里 南宫 独孤 呼延
"""
COMPOUND_SURNAMES = frozenset(_COMPOUND_SURNAMES_TEXT.split())
# words that devices show, which begin as a surname does
_NOT_NAMES_TEXT = """
高清 高频 高压 高亮 高速 高度 白光 白平衡 白平 时间 时长 时刻 时段 方向 方位 金属 成像 成功 文件 文字
方式 单位 单帧 明亮 平均 平滑 平面 强度 关闭 关机 全部 全屏 全选 国产 和谐 温度 常规 易用 安全 安装
车间 路径 路图 连接 连续 计时 计算 门控 相机 相位 相对 信号 信息 展开 都市 通道 左侧 左前 左肺 左肾
左冠 左室 左房 左右 左手 石灰 管腔 管径 华东 应用 应急 宫腔 宫颈 解剖 曲线 查看 查找 初始 来源 支架
支气 干扰 但是 由于 元素 玉米 充盈 向上 向下 向左 向右 任务 任意 设置 施加 符号 范围 程序 程度 余量
金标 容积 容量 银夹 海绵 麻醉 原始 原图 平扫 单选 关注 车床 包膜 包块 边缘 边界 强化 位置 位移 衣物
肖像 毛刺 毛糙 盛会 满意 明显 田间 康复 武汉 成都 江苏 广东 云南 海南 华西 华山 温州 金华 白细胞 安徽
宁波 宁夏 黄色 白色 蓝色 蓝光 蓝牙 金色 银色 石膏 谷值 万能 万方 龙头 雷达 马达 牛顿 毛细 梅花 路由
钱币 公司 公式 农药 居中 阴影 阳性 阴性 阳极 隆起 权限 权重 索引 宣教 普通 普外 况且 相册 巴掌 利用
国家 支持 支撑 平台 乐器 封闭 商品 仲裁 官方 房间 心房 师资 伏特 位于 古代 井喷 祖国 司机 农业 伊始
花纹 花生 豆腐 冷冻 冷却 冷凝 温控 闻讯 门诊 门脉 门静脉 左心室 曲度 文档 文本 时钟 干净 平静 元件
游离 游标 简介 简体 连通 项目 景深 卡顿 全景 全长 单击 双击 季度 席位 米粒 边长 明场 池化 查询 查房
封堵 官网 谈话 乐观 南京 北京 上海 班级 储存 楼层 盘片 满屏 区域 区间 海拔 权威 强光 屠杀 练习 井口
丰富 支路 平移 计数 计量 索取 晋级 相邻 初级 云端 容器 来自 都是 普查 阿托品 公分 那么 印象 利多卡因
居家 干预 信噪比 展示 阴道 智能 富集 高血压 高值 高分 左下 左上 方法 白带 石蜡 毛玻璃 关节 关键 温馨
常用 安静 易燃 向量 文献 史料 严禁 严重 金刚 任何 程控 曾经 许可 徐州 何时 高危 林区 宋体 唐山 韩国
于是 余额 叶酸 苏州 丁香 沈阳 卢旺达 姜黄 钟表 陆军 石家庄 夏季 方案 江西 段落
"""
NOT_NAMES = frozenset(_NOT_NAMES_TEXT.split())
_SYLLABLE = re.compile(
    r"(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?"
    r"(?:iang|iong|uang|ueng|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|ui|uo|ue|er|a|o|e|i|u|v)"
)


def is_han_name(text: str) -> bool:
    """Whether these characters, and nothing else, are built as a Chinese name: a surname, then one or two more."""
    if not re.fullmatch(r"[\u3400-\u9fff]{2,4}", text) or any(text.startswith(word) for word in NOT_NAMES):
        return False
    if text[:2] in COMPOUND_SURNAMES:
        return len(text) in {3, 4}
    return text[0] in SURNAMES and len(text) in {2, 3}


def is_pinyin_name(first: str, rest: str) -> bool:
    """Whether two Latin words are built as a Chinese name in pinyin: a surname, then one or two syllables."""
    return first.casefold() in _surnames_in_pinyin() and is_syllables(rest, most=2)


def is_syllables(word: str, *, most: int) -> bool:
    """Whether a word is so many syllables of pinyin at most."""
    return re.fullmatch(f"(?:{_SYLLABLE.pattern}){{1,{most}}}", word.casefold()) is not None


@functools.cache
def _surnames_in_pinyin() -> frozenset[str]:
    singles = {lazy_pinyin(one, style=Style.NORMAL)[0] for one in SURNAMES}
    # heteronyms that are read otherwise as surnames
    return frozenset({*singles, "zeng", "shan", "qiu", "ouyang", "sima", "shangguan", "zhuge", "xie", "ren", "gai"})
