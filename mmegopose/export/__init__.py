"""Models as files for programs without this package."""
from .exporting import Exported, export_model, ported
from .onnx_file import OnnxModel, require_onnx
from .ported_module import Port, PortedModule

__all__ = ['Exported', 'OnnxModel', 'Port', 'PortedModule', 'export_model', 'ported', 'require_onnx']
